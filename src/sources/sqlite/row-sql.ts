// The SELECTs that make INSERT statements of rows. SQLite builds the text itself: its quote() is exact (integers of 64 bits,
// reals to the last bit, 9.0e+999 for infinity) and several times faster than the same in JavaScript.
import { foldName, quoteName, quoteText } from './identifiers.ts';
import { type Column, columnList, columnName, type Table } from './schema.ts';

/** What each line of a table begins with. */
export const insertPrefix = ({ name, columns }: Pick<Table, 'name' | 'columns'>): string =>
  `INSERT INTO ${quoteName(name)}(${columnList(columns)}) VALUES(`;

/** What each line ends with, before its newline. */
export const insertSuffix = ');';

/** Where in a table to begin, in the order of its own b-tree. */
export interface Place {
  /** After this rowid; before the first row when absent. */
  readonly after?: bigint;
  /** So many rows later: for tables whose rows have no visible rowid. */
  readonly skip: number;
}

/** One whole line a row, without its newline; line breaks inside of texts stand as they are. */
export const selectLines = (table: Table, from: Place): string => {
  const values = table.columns.flatMap((column, at) => (at === 0 ? [] : ["','"]).concat(literal(column)));
  return select(
    table,
    concatenate([quoteText(insertPrefix(table)), ...values, quoteText(insertSuffix)]),
    from,
  );
};

/** Each value by itself: a literal, or `t` and the bytes of a text as hexadecimal digits, or one of `largeValues`. */
export const selectValues = (table: Table, from: Place): string => {
  const values = table.columns.map((column) => {
    const name = columnName(column);
    return `CASE WHEN octet_length(${name})>${largeBytes} THEN '?'||typeof(${name})
      WHEN typeof(${name})='text' THEN 't'||hex(CAST(${name} AS BLOB)) ELSE ${numberOrNull(column)} END`;
  });
  return select(table, values.join(','), from);
};

/** What stands for a value that is better fetched by itself, with `selectBytes`. */
export const largeValues = { text: '?text', blob: '?blob' } as const;

/** The bytes of one column, as they are stored. */
export const selectBytes = (table: Table, column: Column, from: Place): string =>
  select(table, `CAST(${columnName(column)} AS BLOB)`, from);

const largeBytes = 256 * 1024;

/** NOT INDEXED makes the table's own b-tree the order: by rowid, or by primary key for a table WITHOUT ROWID. */
const select = (table: Table, result: string, { after, skip }: Place): string => {
  const [rowid] = table.columns;
  const where = after === undefined || !rowid ? '' : ` WHERE ${columnName(rowid)} > ${after}`;
  return `SELECT ${result} FROM main.${quoteName(table.name)} NOT INDEXED${where} LIMIT -1 OFFSET ${skip}`;
};

/** Text is not given to quote(), which stops at the first NUL. */
const literal = (column: Column): string => {
  const name = columnName(column);
  if (column.rowid) return `quote(${name})`;
  const text = `''''||replace(${name},'''','''''')||''''`;
  return `CASE typeof(${name}) WHEN 'text' THEN ${text} ELSE ${numberOrNull(column)} END`;
};

/** quote() forgets the sign of a negative zero. Only columns that convert nothing can hold one. */
const numberOrNull = (column: Column): string => {
  const name = columnName(column);
  if (!keepsAnything(column)) return `quote(${name})`;
  return `iif(typeof(${name})='real' AND quote(${name})='0.0' AND atan2(${name},-1)<0,'-0.0',quote(${name}))`;
};

/** Affinity BLOB (https://www.sqlite.org/datatype3.html#determination_of_column_affinity), and ANY of STRICT tables. */
const keepsAnything = ({ type, rowid }: Column): boolean => {
  const declared = foldName(type);
  if (rowid || /int|char|clob|text/.test(declared)) return false;
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
