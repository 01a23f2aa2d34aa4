// Rows of tables in the order of a column, for exports. The server itself turns every value into text.
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import { namedDatabase } from '../only-database.ts';
import type { RowColumn, RowQuery, RowStart, RowTable, RowValues, RowView } from '../source.ts';
import { type Connection, connect } from './connect.ts';
import type { DumpRequest } from './dump.ts';
import {
  parseName,
  plainName,
  type QualifiedName,
  quoteIdentifier,
  quoteName,
  quoteText,
} from './identifiers.ts';
import { itemError } from './item-error.ts';
import { isolationOf, openReading, type Reading } from './reading.ts';
import { tableLock } from './rows.ts';
import { errorNumber } from './server-error.ts';
import type { WireValue } from './value-codec.ts';
import { variantText } from './variant.ts';

/**
 * A snapshot where the database allows one; else what is committed when it is read. A table that is ordered by a rowversion is read
 * up to the first one that a transaction has drawn and not committed.
 */
export const openRows = async ({
  config,
  settings,
  context,
}: Omit<DumpRequest, 'onClose'>): Promise<RowView> => {
  const database = namedDatabase(config, settings, 'an export');
  const another = () => connect(settings, database, context.signal);
  const connection = await another();
  try {
    const [row] = await connection.query<{ snapshot: number; rcsi: number }>(
      'SELECT CONVERT(int,snapshot_isolation_state) AS snapshot,CONVERT(int,is_read_committed_snapshot_on) AS rcsi FROM sys.databases WHERE database_id=DB_ID()',
    );
    const isolation = isolationOf(config, {
      database: {
        snapshotIsolation: Number(row?.snapshot) === 1,
        readCommittedSnapshot: Number(row?.rcsi) === 1,
      },
    });
    // Before the snapshot is taken: what commits in between is then left to the next export.
    const firstActive = await firstActiveOf(connection);
    const reading = await openReading(connection, isolation, another);
    const view: View = {
      reading,
      firstActive,
      lock: isolation === 'table lock' ? tableLock : '',
      user: settings.user,
    };
    return {
      table: (name) => rowTable(view, name),
      [Symbol.asyncDispose]: () => reading[Symbol.asyncDispose](),
    };
  } catch (error) {
    connection.destroy();
    throw error;
  }
};

/** Undefined where the server does not know the function. */
const firstActiveOf = async (connection: Connection): Promise<string | undefined> => {
  try {
    const [active] = await connection.query<{ first: string }>(
      'SELECT CONVERT(nvarchar(16),CONVERT(varbinary(8),MIN_ACTIVE_ROWVERSION()),2) AS first',
    );
    return active && `0x${active.first}`;
  } catch (error) {
    if (errorNumber(error) === undefined || !connection.usable) throw error;
    return undefined;
  }
};

interface View {
  readonly reading: Reading;
  /** The rowversion that a transaction at work has drawn first. */
  readonly firstActive: string | undefined;
  /** A table hint, or nothing. */
  readonly lock: string;
  readonly user: string;
}

const rowTable = async (view: View, wanted: string): Promise<RowTable> => {
  const { firstActive, lock, user } = view;
  const table = await tableNamed(view.reading, wanted);
  const name = plainName(table);
  const query = async <Row>(sql: string): Promise<Row | undefined> => {
    try {
      return (await view.reading.query<Row>(sql))[0];
    } catch (error) {
      throw itemError(error, name, user);
    }
  };
  const columns = await columnsOf(view.reading, table);
  const from = `${quoteName(table)}${lock}`;
  const columnNamed = (wantedColumn: string): Column =>
    columns.find((column) => column.name === wantedColumn) as Column;
  return {
    name,
    columns: columns.map(describe),
    key: columns
      .filter(({ keyPart }) => keyPart !== null)
      .toSorted((a, b) => Number(a.keyPart) - Number(b.keyPart))
      .map((column) => column.name),
    rows: (rowQuery) => readRows({ view, name, from, columns }, rowQuery),
    async last(orderBy) {
      const by = columnNamed(orderBy);
      const row = await query<{ position: WireValue }>(
        `SELECT TOP 1 ${textSql(by)} AS position FROM ${from} WHERE ${conditionOf(by, firstActive)} ORDER BY ${quoteIdentifier(orderBy)} DESC`,
      );
      return row && (asText(row.position) ?? undefined);
    },
    async withoutValue(orderBy) {
      if (!columnNamed(orderBy).nullable) return 0;
      const row = await query<{ count: string }>(
        `SELECT CONVERT(nvarchar(20),COUNT_BIG(*)) AS count FROM ${from} WHERE ${quoteIdentifier(orderBy)} IS NULL`,
      );
      return Number(row?.count ?? 0);
    },
    async isBefore(orderBy, position, start) {
      const column = columnNamed(orderBy);
      // How texts compare is up to their column's collation; they are never taken for settled.
      if (isText(column)) return false;
      const row = await query<{ before: number }>(
        `SELECT CASE WHEN ${valueSql(column, position)} < ${startSql(column, start)} THEN 1 ELSE 0 END AS before`,
      );
      return Number(row?.before) === 1;
    },
  };
};

interface Column {
  readonly name: string;
  readonly type: string;
  readonly precision: number;
  readonly scale: number;
  readonly nullable: boolean;
  readonly collation: string | null;
  readonly keyPart: number | null;
}

const tableNamed = async (reading: Reading, wanted: string): Promise<QualifiedName> => {
  const [name = wanted, schema] = (parseName(wanted) ?? [wanted]).toReversed();
  const found = await reading.query<QualifiedName & { own: number }>(
    `SELECT s.name AS [schema],o.name AS name,CASE WHEN s.name=SCHEMA_NAME() THEN 1 ELSE 0 END AS own
      FROM sys.objects o JOIN sys.schemas s ON s.schema_id=o.schema_id WHERE o.type IN ('U','V')`,
  );
  const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const fits = found.filter(
    (table) => isSame(table.name, name) && (schema === undefined || isSame(table.schema, schema)),
  );
  const best = fits.find((table) => table.name === name && Number(table.own) === 1) ?? fits[0];
  if (best && (fits.length === 1 || schema !== undefined || Number(best.own) === 1)) return best;
  throw new HoldfastError(
    'PATH_UNKNOWN',
    best
      ? `${wanted} is a table of several schemas`
      : `there is no table ${wanted}${didYouMean(
          name,
          found.map((table) => table.name),
        )}`,
    { hint: best ? 'name its schema too' : 'check the name, and that the login may read it (db_datareader)' },
  );
};

const columnsOf = async (reading: Reading, { schema, name }: QualifiedName): Promise<Column[]> => {
  const rows = await reading.query<Omit<Column, 'nullable'> & { readonly nullable: number }>(
    `SELECT c.name AS name,COALESCE(b.name,t.name) AS type,CONVERT(int,c.[precision]) AS [precision],CONVERT(int,c.scale) AS scale,
      CONVERT(int,c.is_nullable) AS nullable,c.collation_name AS collation,CONVERT(int,k.key_ordinal) AS keyPart
      FROM sys.columns c
      JOIN sys.objects o ON o.object_id=c.object_id JOIN sys.schemas s ON s.schema_id=o.schema_id
      JOIN sys.types t ON t.user_type_id=c.user_type_id
      LEFT JOIN sys.types b ON b.user_type_id=c.system_type_id AND b.is_user_defined=0
      LEFT JOIN sys.indexes i ON i.object_id=c.object_id AND i.is_primary_key=1
      LEFT JOIN sys.index_columns k ON k.object_id=c.object_id AND k.index_id=i.index_id AND k.column_id=c.column_id
      WHERE s.name=${quoteText(schema)} AND o.name=${quoteText(name)} ORDER BY c.column_id`,
  );
  return rows.map((row) => ({ ...row, nullable: Number(row.nullable) === 1 }));
};

const numbers = /^(tinyint|smallint|int|bigint|decimal|numeric|money|smallmoney|float|real)$/;
const times = /^(date|datetime|datetime2|smalldatetime|datetimeoffset)$/;
const isText = ({ type }: Column): boolean => /char$|text$/.test(type);
/** A rowversion; its old name is another type's in the standard. */
const isRowVersion = ({ type }: Column): boolean => type === 'timestamp';

const describe = (column: Column): RowColumn => ({
  name: column.name,
  json: numbers.test(column.type) ? 'number' : column.type === 'bit' ? 'boolean' : 'text',
  distance: times.test(column.type) ? 'time' : numbers.test(column.type) ? 'number' : 'none',
});

/** In styles that lose nothing and read the same whatever the language of a session. */
const textSql = (column: Column): string => {
  const name = quoteIdentifier(column.name);
  const { type } = column;
  if (times.test(type) || type === 'time') return `CONVERT(nvarchar(40),${name},121)`;
  if (type === 'money' || type === 'smallmoney') return `CONVERT(nvarchar(40),${name},2)`;
  // Babelfish puts blanks around it.
  if (type === 'float' || type === 'real') return `LTRIM(RTRIM(CONVERT(nvarchar(40),${name},3)))`;
  if (type === 'bit') return `CASE ${name} WHEN 1 THEN N'true' WHEN 0 THEN N'false' END`;
  // Told as text by `asText`.
  if (/binary$|^image$/.test(type) || isRowVersion(column)) return `CONVERT(varbinary(max),${name})`;
  if (/^(hierarchyid|geometry|geography)$/.test(type)) return `${name}.ToString()`;
  if (type === 'sql_variant')
    return variantText(name, `CONVERT(nvarchar(max),CONVERT(varbinary(8000),${name}),2)`);
  return `CONVERT(nvarchar(max),${name})`;
};

const conditionOf = (column: Column, firstActive: string | undefined): string => {
  const name = quoteIdentifier(column.name);
  if (!isRowVersion(column)) return `${name} IS NOT NULL`;
  if (firstActive !== undefined) return `${name} IS NOT NULL AND ${name} < ${firstActive}`;
  throw new HoldfastError('UNSUPPORTED', 'this server does not tell which rowversion is still at work', {
    hint: 'order the table by another column',
  });
};

interface Readable {
  readonly view: View;
  readonly name: string;
  readonly from: string;
  readonly columns: readonly Column[];
}

async function* readRows(
  { view, name, from, columns }: Readable,
  { orderBy, thenBy, from: start }: RowQuery,
): AsyncGenerator<RowValues[]> {
  const by = columns.find((column) => column.name === orderBy) as Column;
  const at = columns.indexOf(by);
  const beginning = start ? ` AND ${quoteIdentifier(orderBy)} >= ${startSql(by, start)}` : '';
  const order = [orderBy, ...thenBy].map(quoteIdentifier).join(',');
  const list = columns.map(textSql).join(',');
  const sql = `SELECT ${list} FROM ${from} WHERE ${conditionOf(by, view.firstActive)}${beginning} ORDER BY ${order}`;
  try {
    for await (const rows of view.reading.rows(sql))
      yield rows.map((row) => {
        const values = row.map(asText);
        return [...values, values[at] ?? null];
      });
  } catch (error) {
    throw itemError(error, name, view.user);
  }
}

const asText = (value: WireValue): string | null => {
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex').toUpperCase() : `${value}`;
};

const valueSql = (column: Column, position: string): string => {
  const { type, precision, scale, collation } = column;
  // As text of the other kind it would be compared in another order than that of the column.
  if ((type === 'char' || type === 'varchar') && collation !== null)
    return `CONVERT(varchar(8000),${quoteText(position)} COLLATE ${collation})`;
  if (isRowVersion(column) || /binary$/.test(type)) return `0x${position.replaceAll(/[^0-9A-Fa-f]/g, '')}`;
  if (times.test(type))
    return `CONVERT(${type}${/2$|offset$/.test(type) ? '(7)' : ''},${quoteText(position)},121)`;
  if (type === 'decimal' || type === 'numeric')
    return `CONVERT(decimal(${precision},${scale}),${quoteText(position)})`;
  return numbers.test(type) || type === 'uniqueidentifier'
    ? `CONVERT(${type},${quoteText(position)})`
    : quoteText(position);
};

const startSql = (column: Column, { position, overlap }: RowStart): string => {
  const value = valueSql(column, position);
  if (overlap === 0) return value;
  if (column.type === 'date') return `DATEADD(day,-${Math.ceil(overlap / 86_400)},${value})`;
  if (times.test(column.type)) return `DATEADD(second,-${overlap},${value})`;
  // Small integers would not go below nothing.
  if (/int$/.test(column.type)) return `CONVERT(bigint,${quoteText(position)})-${overlap}`;
  return numbers.test(column.type) ? `${value}-${overlap}` : value;
};
