// A question in SQL to a snapshot: the tables that it names are read out of the repository, of them the columns that it needs.
import type { StatementSync } from 'node:sqlite';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SqlValue } from '#sources/table-reader.ts';
import { type AskContext, askable } from './askable.ts';
import { severalSnapshots } from './several-snapshots.ts';
import { type Prepared, SqlTables } from './sql-tables.ts';
import { type Asked, type Understood, understand } from './understand.ts';

export interface QueryRequest {
  readonly repository: Repository;
  /** Its tables have nothing in front; absent: those of all have the name of their snapshot. */
  readonly snapshot?: Snapshot;
  /** By the names that their tables have in front. */
  readonly others: ReadonlyMap<string, Snapshot>;
  readonly sql: string;
}

/** All that a query needs has been read: it needs the repository no more. Holds that until it is disposed of. */
export interface Query extends Disposable {
  readonly columns: readonly string[];
  /** Fields that the query names, and no document of their table has: most likely misspelt. */
  readonly absent: readonly { readonly table: string; readonly field: string }[];
  /** Tables whose columns have no types in the snapshot: all their values are texts, and compare so. */
  readonly untyped: readonly string[];
  /** The answer. USAGE when SQLite stops in the midst of it. */
  rows(): Iterable<readonly SqlValue[]>;
}

/** USAGE for SQL that SQLite does not take and for a kind without rows; REPOSITORY_DAMAGED for rows that are not all there. */
export const openQuery = async (request: QueryRequest, context: AskContext): Promise<Query> => {
  const tables = new SqlTables();
  try {
    const { prepared, asked } = await understood(request, tables, context);
    await tables.filling(async () => {
      for (const table of asked) await load(table, prepared, tables);
    });
    return {
      columns: prepared.statement.columns().map(({ name }) => name),
      absent: asked.flatMap((table) =>
        [...table.fields]
          .filter((field) => prepared.reads(table, field) && !table.found.has(field))
          .filter((field) => !table.table.ownFields?.includes(field))
          .map((field) => ({ table: nameOf(table), field })),
      ),
      untyped: asked.filter(({ table }) => table.isUntyped).map(nameOf),
      rows: () => answer(prepared.statement),
      [Symbol.dispose]: () => tables[Symbol.dispose](),
    };
  } catch (error) {
    tables[Symbol.dispose]();
    throw error;
  }
};

/** Throws as openQuery does for what cannot be asked; reads no rows. */
export const checkQuery = async (request: QueryRequest, context: AskContext): Promise<void> => {
  using tables = new SqlTables();
  await understood(request, tables, context);
};

const understood = async (
  { repository, snapshot, others, sql }: QueryRequest,
  tables: SqlTables,
  context: AskContext,
): Promise<Understood> => {
  const first = snapshot && { snapshot, tables: await askable(repository, snapshot, context) };
  const from = severalSnapshots(first, others, (other) => askable(repository, other, context));
  try {
    return await understand(sql, from, tables);
  } catch (error) {
    const name = [...others.keys()].find((each) => isUnquoted(each, sql));
    if (name === undefined || !hasCode(error, 'USAGE', 'PATH_UNKNOWN')) throw error;
    const hint = `what is no word of SQL stands in double quotes: "${name}".orders`;
    throw new HoldfastError(error.code, error.message, { cause: error, hint });
  }
};

/** Whether a name that is no word of SQL stands in front of a table without quotes. */
const isUnquoted = (name: string, sql: string): boolean =>
  !/^[a-z_]\w*$/i.test(name) &&
  sql
    .toLowerCase()
    .split(`${name.toLowerCase()}.`)
    .slice(0, -1)
    .some((before) => !/["\w]$/.test(before));

/** As the query may have it: several snapshots can have tables of one name. */
const nameOf = ({ schema, name }: Asked): string => (schema === 'main' ? name : `${schema}.${name}`);

function* answer(statement: StatementSync): Generator<readonly SqlValue[]> {
  statement.setReturnArrays(true); // as objects, columns of the same name would be one
  try {
    yield* statement.iterate() as Iterable<unknown> as Iterable<SqlValue[]>;
  } catch (cause) {
    throw new HoldfastError('USAGE', `SQLite could not answer the query: ${messageOf(cause)}`, { cause });
  }
}

const load = async (asked: Asked, prepared: Prepared, tables: SqlTables): Promise<void> => {
  const fields = [...asked.fields].map((name) => ({ name, as: name }));
  const columns = [...asked.columns, ...fields].filter(({ as }) => prepared.reads(asked, as));
  const insert = tables.inserter(
    asked,
    columns.map(({ as }) => as),
  );
  const names = columns.map(({ name }) => name);
  // Of each field it needs to be known only once; what remains of them is what each document is looked into for.
  const sought = new Map([...asked.fields].map((field) => [field, names.indexOf(field)]));
  await asked.table.read(names, (values) => {
    insert(values);
    for (const [field, at] of sought)
      if ((values[at] ?? null) !== null) {
        asked.found.add(field);
        sought.delete(field);
      }
  });
};
