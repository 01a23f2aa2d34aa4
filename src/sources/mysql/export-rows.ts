// Rows of tables in the order of a column, for exports.
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import { splitLines } from '#lib/split-lines.ts';
import { onlyDatabase } from '../only-database.ts';
import type { RowColumn, RowQuery, RowStart, RowTable, RowValues, RowView } from '../source.ts';
import { type Connection, connect } from './connect.ts';
import { parseName, quoteIdentifier, quoteLiteral, quoteName } from './identifiers.ts';
import type { SourceRequest } from './survey.ts';

/** One snapshot of the transactional tables. The server does not tell which transactions it cannot see yet. */
export const openRows = async ({ config, settings, context }: SourceRequest): Promise<RowView> => {
  const database = onlyDatabase(config, settings, 'an export');
  const connection = await connect(settings, context.signal);
  try {
    await connection.run('set transaction isolation level repeatable read');
    await connection.run('start transaction with consistent snapshot, read only');
    return {
      table: (name) => rowTable(connection, database, name),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  } catch (error) {
    connection.destroy();
    throw error;
  }
};

const rowTable = async (connection: Connection, database: string, wanted: string): Promise<RowTable> => {
  const parts = parseName(wanted) ?? [wanted];
  const [name = wanted, schema = database] = parts.toReversed();
  const columns = await columnsOf(connection, schema, name);
  if (columns.length === 0) throw await noTable(connection, schema, name);
  const from = quoteName(schema, name);
  const columnNamed = (column: string): Column => columns.find((one) => one.name === column) as Column;
  return {
    name: `${schema}.${name}`,
    columns: columns.map(describe),
    key: columns.filter(({ key }) => key === 'PRI').map((column) => column.name),
    rows: (query) => readRows(connection, from, columns, query),
    async last(column) {
      const by = quoteIdentifier(column);
      const [row] = await connection.query<{ position: string }>(
        `select ${textSql(columnNamed(column))} as position from ${from} where ${by} is not null order by ${by} desc limit 1`,
      );
      return row?.position;
    },
    async withoutValue(column) {
      if (columnNamed(column).nullable === 'NO') return 0;
      const [row] = await connection.query<{ count: string }>(
        `select count(*) as count from ${from} where ${quoteIdentifier(column)} is null`,
      );
      return Number(row?.count ?? 0);
    },
    async isBefore(column, position, start) {
      const by = columnNamed(column);
      // How texts compare is up to their column's collation; they are never taken for settled.
      if (describe(by).distance === 'none') return false;
      const [row] = await connection.query<{ before: string }>(
        `select ${valueSql(by, position)} < ${startSql(by, start)} as \`before\``,
      );
      return row?.before === '1';
    },
  };
};

interface Column {
  readonly name: string;
  readonly type: string;
  readonly nullable: string;
  readonly key: string;
}

const columnsOf = (connection: Connection, schema: string, table: string): Promise<Column[]> =>
  connection.query<Column>(
    `select convert(column_name using utf8mb4) as name, convert(data_type using utf8mb4) as type,
      is_nullable as nullable, column_key as \`key\` from information_schema.columns
      where table_schema = ${quoteLiteral(schema)} and table_name = ${quoteLiteral(table)} order by ordinal_position`,
  );

const noTable = async (connection: Connection, schema: string, name: string): Promise<HoldfastError> => {
  const rows = await connection.query<{ name: string }>(
    `select convert(table_name using utf8mb4) as name from information_schema.tables where table_schema = ${quoteLiteral(schema)}`,
  );
  const near = didYouMean(
    name,
    rows.map((row) => row.name),
  );
  return new HoldfastError('PATH_UNKNOWN', `there is no table ${name} in ${schema}${near}`, {
    hint: 'check the name, and that the user may read the table; case matters',
  });
};

const numbers = /^(tinyint|smallint|mediumint|int|bigint|decimal|float|double|year)$/;
const times = /^(datetime|timestamp|date)$/;

const describe = ({ name, type }: Column): RowColumn => ({
  name,
  json: numbers.test(type) ? 'number' : type === 'json' ? 'json' : 'text',
  distance: times.test(type) ? 'time' : numbers.test(type) ? 'number' : 'none',
});

/** Texts in UTF-8 whatever their columns are in, bytes in hex, and numbers with all their digits. */
const textSql = ({ name, type }: Column): string => {
  const value = quoteIdentifier(name);
  if (type === 'float') return `${value} * 1e0`;
  if (/binary|blob|^bit$|geometry|point|polygon|linestring/.test(type)) return `hex(${value})`;
  return numbers.test(type) || times.test(type) || type === 'time'
    ? value
    : `convert(${value} using utf8mb4)`;
};

async function* readRows(
  connection: Connection,
  from: string,
  columns: readonly Column[],
  { orderBy, thenBy, from: start }: RowQuery,
): AsyncGenerator<RowValues[]> {
  const by = columns.find(({ name }) => name === orderBy) as Column;
  const at = columns.indexOf(by);
  const column = quoteIdentifier(orderBy);
  const where = start ? `${column} >= ${startSql(by, start)}` : `${column} is not null`;
  const order = [orderBy, ...thenBy].map(quoteIdentifier).join(', ');
  const sql = `select ${columns.map(textSql).join(', ')} from ${from} where ${where} order by ${order}`;
  for await (const lines of splitLines(connection.rows(sql, () => {}))) {
    yield lines.map((line) => {
      const values = line.toString('utf8').split('\t').map(fieldOf);
      return [...values, values[at] ?? null];
    });
  }
}

/** A field as row-text.ts writes it. */
const fieldOf = (field: string): string | null => {
  if (field === '\\N') return null;
  return field.includes('\\')
    ? field.replaceAll(/\\(.)/gs, (_, letter: string) => unescaped[letter] ?? letter)
    : field;
};

const unescaped: Readonly<Record<string, string>> = { '0': '\0', t: '\t', n: '\n' };

const valueSql = (column: Column, position: string): string => {
  const { distance } = describe(column);
  if (distance === 'number' && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(position)) return position;
  return distance === 'time' ? `cast(${quoteLiteral(position)} as datetime(6))` : quoteLiteral(position);
};

const startSql = (column: Column, { position, overlap }: RowStart): string => {
  const value = valueSql(column, position);
  const { distance } = describe(column);
  if (overlap === 0 || distance === 'none') return value;
  // Unsigned numbers would not go below nothing.
  return distance === 'time'
    ? `${value} - interval ${overlap} second`
    : `cast(${value} as decimal(65, 10)) - ${overlap}`;
};
