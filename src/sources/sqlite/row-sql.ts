// The SELECTs that make INSERT statements of rows. SQLite builds the text itself: its quote() is exact (integers of 64 bits,
// reals to the last bit, 9.0e+999 for infinity) and several times faster than the same in JavaScript.

import { foldName, quoteName, quoteText } from './identifiers.ts';
import type { Column, Table } from './schema.ts';
import { columnList } from './schema.ts';

/** What each line of a table begins with. */
export const insertPrefix = ({ name, columns }: Pick<Table, 'name' | 'columns'>): string =>
  `INSERT INTO ${quoteName(name)}(${columnList(columns)}) VALUES(`;

/** What each line ends with, before its newline. */
export const insertSuffix = ');';

/** One whole line a row, without its newline; line breaks inside of texts stand as they are. */
export const selectLines = (table: Table, skipRows: number): string => {
  const values = table.columns.flatMap((column, at) => (at === 0 ? [] : ["','"]).concat(literal(column)));
  const pieces = [quoteText(insertPrefix(table)), ...values, quoteText(insertSuffix)];
  return select(table, concatenate(pieces), skipRows);
};

/**
 * Two columns for each of the table's: 1 for a text, 2 for a blob, 0 for all else; and the bytes of text and blobs as they
 * are stored, of all else the literal.
 */
export const selectValues = (table: Table, skipRows: number): string => {
  const values = table.columns.flatMap((column) => {
    const name = expression(column);
    return [
      `CASE typeof(${name}) WHEN 'text' THEN 1 WHEN 'blob' THEN 2 ELSE 0 END`,
      `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) WHEN 'blob' THEN ${name} ELSE ${numberOrNull(column)} END`,
    ];
  });
  return select(table, values.join(','), skipRows);
};

/** NOT INDEXED makes the table's own b-tree the order: by rowid, or by primary key for a table WITHOUT ROWID. */
const select = (table: Table, result: string, skipRows: number): string =>
  `SELECT ${result} FROM main.${quoteName(table.name)} NOT INDEXED LIMIT -1 OFFSET ${skipRows}`;

const expression = ({ name, hidden }: Column): string => (hidden ? name : quoteName(name));

/** Text is not given to quote(), which stops at the first NUL. */
const literal = (column: Column): string => {
  const name = expression(column);
  if (column.hidden) return `quote(${name})`;
  const text = `''''||replace(${name},'''','''''')||''''`;
  return `CASE typeof(${name}) WHEN 'text' THEN ${text} ELSE ${numberOrNull(column)} END`;
};

/** quote() forgets the sign of a negative zero. Only columns that convert nothing can hold one. */
const numberOrNull = (column: Column): string => {
  const name = expression(column);
  if (!keepsAnything(column)) return `quote(${name})`;
  return `iif(typeof(${name})='real' AND quote(${name})='0.0' AND atan2(${name},-1)<0,'-0.0',quote(${name}))`;
};

/** Affinity BLOB (https://www.sqlite.org/datatype3.html#determination_of_column_affinity), and ANY of STRICT tables. */
const keepsAnything = ({ type, hidden }: Column): boolean => {
  const declared = foldName(type);
  if (hidden || /int|char|clob|text/.test(declared)) return false;
  return declared === '' || declared === 'any' || declared.includes('blob');
};

/** concat() of any number of pieces, although a function takes no more than a thousand arguments. */
const concatenate = (pieces: readonly string[]): string => {
  if (pieces.length <= mostArguments) return `concat(${pieces.join(',')})`;
  const groups: string[] = [];
  for (let at = 0; at < pieces.length; at += mostArguments)
    groups.push(concatenate(pieces.slice(at, at + mostArguments)));
  return concatenate(groups);
};

const mostArguments = 100;
