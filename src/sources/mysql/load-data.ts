// The statements that read a table's rows and that take them in again.
import type { ContentsColumn } from './contents.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
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

/** Rows in the order of the primary key where there is one, so that the same rows read the same. */
export const selectSql = (table: string, columns: readonly Column[], hasPrimaryKey: boolean): string => {
  const values = columns
    .filter(({ generated }) => !generated)
    .map((column) => `${quoteIdentifier(column.name)}${isShortened(column) ? ' * 1e0' : ''}`);
  return `select ${values.join(', ') || '1'} from ${table}${hasPrimaryKey ? ' force index (primary)' : ''}`;
};

/** `table` and `file` are quoted already. */
export const loadSql = (file: string, table: string, columns: readonly ContentsColumn[]): string => {
  const targets = columns.map(({ name, text }, index) => (text ? `@v${index}` : quoteIdentifier(name)));
  const set = columns.flatMap(({ name, text }, index) =>
    text ? [`${quoteIdentifier(name)} = convert(@v${index} using utf8mb4)`] : [],
  );
  return (
    `load data local infile ${file} into table ${table} character set binary ` +
    String.raw`fields terminated by '\t' escaped by '\\' lines terminated by '\n' ` +
    `(${targets.join(', ') || '@v'})${set.length > 0 ? ` set ${set.join(', ')}` : ''}`
  );
};

/** A cycle's round is 0 unless it has begun anew. */
export const setSequenceSql = (
  sequence: string,
  { next, round }: { readonly next: string; readonly round: string },
): string => `do setval(${sequence}, ${BigInt(next)}, 0, ${BigInt(round)})`;

export const fileLiteral = quoteLiteral;
