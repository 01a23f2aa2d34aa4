// The statements that read a table's rows and that take them in again.
import type { ContentsColumn, ContentsTable, SequenceValue } from './contents.ts';
import { forHistory, hasLasted, isPast, type Period } from './history.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
import type { RowsPart } from './layout.ts';
import type { Column } from './listing.ts';

/** Types that cannot be made of bytes: the file's are said to be text on the way in. */
const textTypes = new Set(['json', 'uuid', 'inet4', 'inet6', 'xmltype']);

/** The server shortens a FLOAT in its text; as a DOUBLE it is whole. */
const isShortened = ({ type }: Column): boolean => type === 'float';

/** Generated columns make themselves. */
export const loadedColumns = (columns: readonly Column[]): ContentsColumn[] =>
  columns
    .filter(({ generated }) => !generated)
    .map(({ name, type }) => ({ name, ...(textTypes.has(type) && { text: true as const }) }));

/** What a SELECT must know of a table. */
export interface Selected {
  readonly columns: readonly Column[];
  readonly hasPrimaryKey: boolean;
  readonly history?: Period;
}

/** Rows in the order of the primary key where there is one, so that the same rows read the same. */
export const selectSql = (table: string, of: Selected): string =>
  `select ${valuesSql(of, of.history ? [of.history.start] : [])} from ${table}${orderSql(of)}`;

/** The past rows of a system-versioned table. */
export const selectHistorySql = (table: string, of: Selected, { start, end }: Period): string => {
  const [began, ended] = [quoteIdentifier(start), quoteIdentifier(end)];
  return `select ${valuesSql(of, [start, end])} from ${table} for system_time all${orderSql(of)} where ${isPast(ended)} and ${hasLasted(began, ended)}`;
};

/** How many of them lasted no time, and cannot be kept. */
export const countFleetingSql = (table: string, { start, end }: Period): string => {
  const [began, ended] = [quoteIdentifier(start), quoteIdentifier(end)];
  return `select count(*) as count from ${table} for system_time all where ${isPast(ended)} and not (${hasLasted(began, ended)})`;
};

const valuesSql = ({ columns }: Selected, times: readonly string[]): string => {
  const values = columns.filter(({ generated }) => !generated).map(valueSql);
  return [...values, ...times.map(quoteIdentifier)].join(', ') || '1';
};

/** The server takes '0' for the invalid value of an ENUM. */
const valueSql = (column: Column): string => {
  const name = quoteIdentifier(column.name);
  if (column.hasEmptyValue) return `if(${name} = 0, '0', ${name})`;
  return isShortened(column) ? `${name} * 1e0` : name;
};

const orderSql = ({ hasPrimaryKey }: Selected): string => (hasPrimaryKey ? ' force index (primary)' : '');

/** A column of a file. */
export interface FileColumn extends ContentsColumn {
  /** By which servers: those that take history, or none. */
  readonly stored?: 'with history' | 'never';
}

/** What a file with rows of a table has in each line, where its rows' times are stored as told. */
export const fileColumns = (
  { columns, history }: ContentsTable,
  part: RowsPart,
  stored?: FileColumn['stored'],
): readonly FileColumn[] => {
  if (history === undefined) return columns;
  const times = part === 'history' ? [history.start, history.end] : [history.start];
  return [...columns, ...times.map((name) => ({ name, ...(stored && { stored }) }))];
};

/** `table` and `file` are quoted already. */
export const loadSql = (file: string, table: string, columns: readonly FileColumn[]): string => {
  const targets = columns.map(({ name, text, stored }, index) =>
    text || stored ? `@v${index}` : quoteIdentifier(name),
  );
  const set = columns.flatMap(({ name, text }, index) =>
    text ? [`${quoteIdentifier(name)} = convert(@v${index} using utf8mb4)`] : [],
  );
  const times = columns.flatMap(({ name, stored }, index) =>
    stored === 'with history' ? [`${quoteIdentifier(name)} = @v${index}`] : [],
  );
  return (
    `load data local infile ${file} into table ${table} character set binary ` +
    String.raw`fields terminated by '\t' escaped by '\\' lines terminated by '\n' ` +
    `(${targets.join(', ') || '@v'})${set.length > 0 ? ` set ${set.join(', ')}` : ''}` +
    (times.length > 0 ? ` ${forHistory(`${set.length > 0 ? ',' : 'set'} ${times.join(', ')}`)}` : '')
  );
};

/** A cycle's round is 0 unless it has begun anew. The server's `setval` goes back in a new round only. */
export const setSequenceSql = (
  sequence: string,
  { next, round, restarted }: Omit<SequenceValue, 'name'>,
): string =>
  restarted && BigInt(round) === 0n
    ? `alter sequence ${sequence} restart with ${BigInt(next)}`
    : `do setval(${sequence}, ${BigInt(next)}, 0, ${BigInt(round)})`;

export const fileLiteral = quoteLiteral;
