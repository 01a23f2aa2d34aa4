// What there is on a server, asked of information_schema. Names are compared as they are: its own comparisons ignore case.
import type { Connection } from './connect.ts';
import { quoteLiteral } from './identifiers.ts';

/** A table, view or sequence. */
export interface Relation {
  readonly name: string;
  readonly kind: 'table' | 'view' | 'sequence';
  /** Null when the server cannot open it; `comment` then says why. */
  readonly engine: string | null;
  readonly comment: string;
  /** Bytes, about. */
  readonly size: number;
  /** MariaDB keeps what its rows were before. */
  readonly versioned: boolean;
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly generated: boolean;
  /** An ENUM with '' among its values, and without '0': its invalid value reads as '' too. */
  readonly hasEmptyValue?: true;
  /** Of a system-versioned table: says since when a row is, or until when it was. */
  readonly period?: 'start' | 'end';
}

export const listDatabases = async (connection: Connection): Promise<string[]> => {
  const rows = await connection.query<{ name: string }>(
    'select schema_name as name from information_schema.schemata order by 1',
  );
  return rows.map(({ name }) => name);
};

/** Names alone cost the server little. */
export const listNames = async (connection: Connection, database: string): Promise<string[]> => {
  const rows = await connection.query<{ db: string; name: string }>(
    `select table_schema as db, table_name as name from information_schema.tables where table_schema = ${quoteLiteral(database)}`,
  );
  return rows.filter(({ db }) => db === database).map(({ name }) => name);
};

interface RelationRow {
  readonly db: string;
  readonly name: string;
  readonly type: string;
  readonly engine: string | null;
  readonly comment: string | null;
  readonly size: string | null;
}

export const listRelations = async (connection: Connection, database: string): Promise<Relation[]> => {
  const rows = await connection.query<RelationRow>(
    `select table_schema as db, table_name as name, table_type as type, engine as engine, table_comment as comment,
        data_length as size
      from information_schema.tables where table_schema = ${quoteLiteral(database)}`,
  );
  return rows
    .filter(({ db, type }) => db === database && !type.startsWith('TEMPORARY'))
    .map(({ name, type, engine, comment, size }) => ({
      name,
      kind: type === 'VIEW' ? 'view' : type === 'SEQUENCE' ? 'sequence' : 'table',
      engine,
      comment: comment ?? '',
      size: Number(size ?? 0),
      versioned: type === 'SYSTEM VERSIONED',
    }));
};

interface ColumnRow {
  readonly db: string;
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly expression: string | null;
  readonly enum: string | null;
}

/** By table, in their order. */
export const listColumns = async (
  connection: Connection,
  database: string,
): Promise<Map<string, Column[]>> => {
  const rows = await connection.query<ColumnRow>(
    `select table_schema as db, table_name as \`table\`, column_name as name, data_type as type,
        generation_expression as expression, if(data_type = 'enum', column_type, null) as \`enum\`
      from information_schema.columns where table_schema = ${quoteLiteral(database)} order by table_name, ordinal_position`,
  );
  const columns = new Map<string, Column[]>();
  for (const { db, table, name, type, expression, enum: values } of rows) {
    if (db !== database) continue;
    const own = columns.get(table) ?? [];
    const period = periods.get(expression ?? '');
    own.push({
      name,
      type: type.toLowerCase(),
      generated: (expression ?? '') !== '',
      ...(period && { period }),
      ...(values !== null && hasEmptyValue(values) && { hasEmptyValue: true }),
    });
    columns.set(table, own);
  }
  return columns;
};

/** Of `enum('','it''s')`. */
const hasEmptyValue = (type: string): boolean => {
  const values: readonly string[] = type.match(/'(?:[^']|'')*'/g) ?? [];
  return values.includes("''") && !values.includes("'0'");
};

/** What MariaDB says where other columns have an expression. */
const periods: ReadonlyMap<string, 'start' | 'end'> = new Map([
  ['ROW START', 'start'],
  ['ROW END', 'end'],
]);

/** The engines that take part in a consistent snapshot. */
export const transactionalEngines = async (connection: Connection): Promise<Set<string>> => {
  const rows = await connection.query<{ engine: string; transactions: string | null }>(
    'select engine as engine, transactions as transactions from information_schema.engines',
  );
  return new Set(rows.filter(({ transactions }) => transactions === 'YES').map(({ engine }) => engine));
};

/** Their rows are elsewhere, or nowhere. */
const withoutRows = new Set([
  'MRG_MYISAM',
  'FEDERATED',
  'SPIDER',
  'CONNECT',
  'BLACKHOLE',
  'OQGRAPH',
  'SPHINX',
  'PERFORMANCE_SCHEMA',
]);

export const hasRowsOfItsOwn = ({ kind, engine }: Relation): boolean =>
  kind === 'table' && engine !== null && !withoutRows.has(engine.toUpperCase());

/** Of a connection that has one. */
export const databaseInUse = async (connection: Connection): Promise<string> => {
  const [place] = await connection.query<{ db: string }>('select database() as db');
  return place?.db ?? '';
};
