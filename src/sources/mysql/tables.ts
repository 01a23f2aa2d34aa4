// The tables and sequences of a database: what they are, and what cannot be read of them.
import { asError, HoldfastError } from '#lib/errors.ts';
import { binaryIdentifier } from './binary-text.ts';
import type { MysqlConfig } from './config.ts';
import type { Connection } from './connect.ts';
import type { Contents, SequenceValue } from './contents.ts';
import {
  type CreateTable,
  isPrimaryKey,
  parseCreateTable,
  withNullNumbers,
  withoutNextNumber,
} from './create-table.ts';
import type { Period } from './history.ts';
import { plainName, quoteName } from './identifiers.ts';
import { changed, itemError } from './item-error.ts';
import {
  type Column,
  hasRowsOfItsOwn,
  listColumns,
  listNames,
  listRelations,
  type Relation,
} from './listing.ts';
import { loadedColumns } from './load-data.ts';
import { namedTables, wantedOf } from './patterns.ts';
import { ServerError } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';

export interface Table {
  readonly name: string;
  readonly engine: string;
  readonly size: number;
  readonly columns: readonly Column[];
  /** As SHOW CREATE TABLE has it, in binary text. */
  readonly definition: string;
  readonly hasPrimaryKey: boolean;
  /** Whether its rows are wanted. */
  readonly withRows: boolean;
  readonly versioned: boolean;
  /** Where its history is kept. */
  readonly history?: Period;
}

/** What was wanted and cannot be had. */
export interface Failure {
  /** 'table', 'view', 'procedure': in its path. */
  readonly type: string;
  readonly name: string;
  readonly error: Error;
}

export interface Tables {
  readonly tables: readonly Table[];
  readonly sequences: readonly (SequenceValue & { readonly definition: string })[];
  readonly views: readonly string[];
  readonly failures: readonly Failure[];
}

export interface TablesRequest {
  readonly connection: Connection;
  readonly config: MysqlConfig;
  readonly user: string;
  readonly database: string;
  /** What there was just before the state was taken. */
  readonly namesBefore: readonly string[];
  /** Whether a table is in the state; for those that came up at that moment. */
  isInState(table: string): Promise<boolean>;
}

export const readTables = async (request: TablesRequest): Promise<Tables> => {
  const { connection, config, user, database, namesBefore, isInState } = request;
  const wanted = (name: string): boolean => wantedOf(config, database, name) !== 'nothing';
  const relations = (await listRelations(connection, database)).filter(({ name }) => wanted(name));
  const columns = await listColumns(connection, database);
  const found: { -readonly [Key in keyof Tables]: Tables[Key][number][] } = {
    tables: [],
    sequences: [],
    views: [],
    failures: [],
  };
  const before = new Set(namesBefore);
  for (const relation of relations.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name, kind } = relation;
    if (kind === 'view') {
      found.views.push(name);
      continue;
    }
    try {
      if (kind === 'sequence') found.sequences.push(await readSequence(connection, database, name));
      else if (before.has(name) || (await isInState(name)))
        found.tables.push(await readTable(request, relation, columns.get(name) ?? []));
    } catch (error) {
      const failure = itemError(error, `${kind} ${plainName(database, name)}`, user);
      if (!(failure instanceof HoldfastError) || failure.kind.item !== true) throw error;
      found.failures.push({ type: kind, name, error: failure });
    }
  }
  const present = new Set((await listNames(connection, database)).concat(relations.map(({ name }) => name)));
  for (const name of new Set([...namesBefore.filter(wanted), ...namedTables(config, database)]))
    if (!present.has(name))
      found.failures.push({ type: 'table', name, error: absent(database, name, before) });
  return found;
};

const absent = (database: string, name: string, before: ReadonlySet<string>): HoldfastError =>
  before.has(name)
    ? changed(`table ${plainName(database, name)}`)
    : new HoldfastError(
        'ITEM_UNREADABLE',
        `there is no table ${plainName(database, name)}, or it may not be read`,
        {
          hint: 'check its name and the grants; case matters',
        },
      );

const readTable = async (
  { connection, config, database }: TablesRequest,
  relation: Relation,
  columns: readonly Column[],
): Promise<Table> => {
  const { name, engine, comment, size, versioned } = relation;
  if (engine === null)
    throw new HoldfastError(
      'ITEM_UNREADABLE',
      `cannot read table ${plainName(database, name)}: ${comment || 'the server cannot open it'}`,
      { hint: 'the server’s log says more; check and repair the table' },
    );
  const definition = await definitionOf(connection, database, name);
  return {
    name,
    engine,
    size,
    columns,
    definition,
    hasPrimaryKey: parseCreateTable(definition)?.parts.some(isPrimaryKey) ?? false,
    withRows: hasRowsOfItsOwn(relation) && wantedOf(config, database, name) === 'all',
    versioned,
  };
};

/** SHOW CREATE TABLE. */
export const definitionOf = async (
  connection: Connection,
  database: string,
  table: string,
): Promise<string> => {
  const [row] = await connection.queryBytes<{ 'Create Table': string }>(
    `show create table ${quoteName(database, table)}`,
  );
  return row?.['Create Table'] ?? '';
};

const readSequence = async (
  connection: Connection,
  database: string,
  name: string,
): Promise<Tables['sequences'][number]> => {
  const quoted = quoteName(database, name);
  const [definition] = await connection.queryBytes<{ 'Create Table': string }>(
    `show create sequence ${quoted}`,
  );
  const [value] = await connection.query<{ next: string; round: string; restarted: string }>(
    `select next_not_cached_value as next, cycle_count as round,
        if(increment < 0, next_not_cached_value > start_value, next_not_cached_value < start_value) as restarted
      from ${quoted}`,
  );
  if (!definition || !value) throw asError(`sequence ${plainName(database, name)} is empty`);
  const { next, round, restarted } = value;
  return {
    ...{ name, next, round, definition: definition['Create Table'] },
    ...(restarted === '1' && { restarted: true }),
  };
};

/** Sequences come first: defaults of tables may take numbers from them. */
export const tableItems = ({ tables, sequences }: Tables): SqlItem[] => [
  ...sequences.map(({ name, definition }) => ({ type: 'sequence' as const, name, statement: definition })),
  ...tables.map((table) => ({
    type: 'table' as const,
    name: table.name,
    statement: makeableDefinition(table),
  })),
];

/** ARCHIVE takes no number below the one that comes next, and finds that one by itself. */
const makeableDefinition = ({ engine, definition }: Table): string =>
  withNullNumbers(engine === 'ARCHIVE' ? withoutNextNumber(definition) : definition);

export const contentsOf = (database: string, { tables, sequences }: Tables): Contents => ({
  contents: 1,
  database,
  tables: tables.map(({ name, columns, withRows, history }) => ({
    name,
    columns: loadedColumns(columns),
    rows: withRows,
    ...(history && { history }),
  })),
  sequences: sequences.map(({ definition: _, ...value }) => value),
});

/** Whether the server answers a question about the table in the reader's state. */
export const canRead = async (reader: Connection, database: string, table: string): Promise<boolean> => {
  try {
    await reader.query(`select 1 from ${quoteName(database, table)} limit 1`);
    return true;
  } catch (error) {
    if (error instanceof ServerError) return false;
    throw error;
  }
};

/** Whether a definition speaks of this database by its name, as defaults do that take numbers from a sequence. */
export const namesDatabase = ({ parts }: CreateTable, database: string): boolean =>
  parts.some((part) => part.includes(`nextval(${binaryIdentifier(database)}.`));
