// Rows of tables in the order of a column, for exports.
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { RowColumn, RowQuery, RowStart, RowTable, RowValues, RowView } from '../source.ts';
import type { Connection } from './connect.ts';
import type { DumpRequest } from './dump.ts';
import { parseName, type QualifiedName, quoteIdentifier, quoteName } from './identifiers.ts';
import { beginSnapshot, connectToOne } from './query-rows.ts';

/** One snapshot; its horizon tells which transactions it cannot see yet. */
export const openRows = async (request: Omit<DumpRequest, 'onClose'>): Promise<RowView> => {
  const connection = await connectToOne(request, 'an export');
  try {
    return {
      horizon: await beginSnapshot(connection),
      table: async (name) => await rowTable(connection, name),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  } catch (error) {
    connection.destroy();
    throw error;
  }
};

const batchRows = 500;

const rowTable = async (connection: Connection, wanted: string): Promise<RowTable> => {
  const table = await tableNamed(connection, wanted);
  const columns = await columnsOf(connection, table);
  const from = `${quoteName(table)} t`;
  const columnNamed = (name: string): Column => columns.find((column) => column.name === name) as Column;
  return {
    name: `${table.schema}.${table.name}`,
    columns: columns.map(describe),
    key: columns
      .filter(({ keyPart }) => keyPart !== null)
      .toSorted((a, b) => (a.keyPart ?? 0) - (b.keyPart ?? 0))
      .map(({ name }) => name),
    rows: (query) => readRows(connection, from, columns, query),
    async last(name) {
      const by = sortSql(columnNamed(name));
      const [row] = await connection.query<{ position: string }>(
        `select ${by}::text as position from ${from} where ${by} is not null order by ${by} desc limit 1`,
      );
      return row?.position;
    },
    async withoutValue(name) {
      if (columnNamed(name).required) return 0;
      const [row] = await connection.query<{ count: string }>(
        `select count(*)::text as count from ${from} where ${quoteIdentifier(name)} is null`,
      );
      return Number(row?.count ?? 0);
    },
    async isBefore(name, position, start) {
      const column = columnNamed(name);
      const [row] = await connection.query<{ before: boolean }>(
        `select ${collated(`$1::text::${column.type}`, column)} < ${startSql(column, start, '$2')} as before`,
        [position, start.position],
      );
      return row?.before === true;
    },
  };
};

interface Column {
  readonly name: string;
  /** As SQL, with its length and precision. */
  readonly type: string;
  /** pg_type.typcategory. */
  readonly category: string;
  readonly required: boolean;
  /** Its place in the primary key. */
  readonly keyPart: number | null;
}

const tableNamed = async (connection: Connection, wanted: string): Promise<QualifiedName> => {
  const parts = parseName(wanted) ?? [wanted];
  const [name = wanted, schema] = parts.toReversed();
  const found = await connection.query<QualifiedName>(
    `select n.nspname::text as schema, c.relname::text as name from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`,
  );
  const fits = found.filter(
    (table) => table.name === name && (schema === undefined || table.schema === schema),
  );
  const [first] = fits;
  if (first && (fits.length === 1 || schema !== undefined)) return first;
  const inPublic = fits.find((table) => table.schema === 'public');
  if (inPublic) return inPublic;
  const names = found.map((table) => table.name);
  throw new HoldfastError(
    'PATH_UNKNOWN',
    first
      ? `${wanted} is a table of several schemas`
      : `there is no table ${wanted}${didYouMean(name, names)}`,
    { hint: first ? 'name its schema too' : `check the name, its schema, and that the role may see it` },
  );
};

const columnsOf = (connection: Connection, { schema, name }: QualifiedName): Promise<Column[]> =>
  connection.query<Column>(
    `select a.attname::text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
      t.typcategory::text as category, a.attnotnull as required, array_position(i.indkey::int2[], a.attnum) as "keyPart"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_catalog.pg_type t on t.oid = a.atttypid
      left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
      where n.nspname = $1 and c.relname = $2 order by a.attnum`,
    [schema, name],
  );

const describe = ({ name, type, category }: Column): RowColumn => ({
  name,
  json:
    category === 'N' && type !== 'money'
      ? 'number'
      : category === 'B'
        ? 'boolean'
        : /^jsonb?$/.test(type)
          ? 'json'
          : 'text',
  distance: isTime(type) ? 'time' : category === 'N' && /int|num|real|double/.test(type) ? 'number' : 'none',
});

const isTime = (type: string): boolean => /^(timestamp|date)/.test(type);

async function* readRows(
  connection: Connection,
  from: string,
  columns: readonly Column[],
  { orderBy, thenBy, from: start }: RowQuery,
): AsyncGenerator<RowValues[]> {
  const by = columns.find(({ name }) => name === orderBy) as Column;
  const list = [...columns.map(({ name }) => `t.${quoteIdentifier(name)}`), `${sortSql(by)}::text`];
  const where = start ? `${sortSql(by)} >= ${startSql(by, start, '$1')}` : `${sortSql(by)} is not null`;
  const order = [orderBy, ...thenBy].map((name) =>
    sortSql(columns.find((column) => column.name === name) as Column),
  );
  const statement = `select ${list.join(', ')} from ${from} where ${where} order by ${order.join(', ')}`;
  await connection.query(
    `declare holdfast_rows no scroll cursor for ${statement}`,
    start ? [start.position] : [],
  );
  const booleans = columns.flatMap(({ category }, index) => (category === 'B' ? [index] : []));
  try {
    for (;;) {
      const rows = await connection.queryText(`fetch ${batchRows} from holdfast_rows`);
      for (const row of rows) for (const index of booleans) row[index] = asBoolean(row[index] ?? null);
      if (rows.length > 0) yield rows;
      if (rows.length < batchRows) return;
    }
  } finally {
    if (connection.usable) await connection.query('close holdfast_rows');
  }
}

const asBoolean = (text: string | null): string | null =>
  text === null ? null : text === 't' ? 'true' : 'false';

/** Texts by their bytes, whatever collation the column has: positions must compare the same everywhere. */
const sortSql = (column: Column): string => collated(`t.${quoteIdentifier(column.name)}`, column);

const collated = (sql: string, { category }: Column): string =>
  category === 'S' ? `${sql} collate "C"` : sql;

const startSql = (column: Column, { overlap }: RowStart, parameter: string): string => {
  const { type, category } = column;
  const position = `${parameter}::text::${type}`;
  if (overlap === 0) return collated(position, column);
  if (isTime(type)) return `(${position} - interval '${overlap} seconds')`;
  // Without overflow, and so that an index on a smaller integer is still used.
  if (/int/.test(type)) return `(${position}::int8 - ${overlap})`;
  return category === 'N' ? `(${position} - ${overlap})` : collated(position, column);
};
