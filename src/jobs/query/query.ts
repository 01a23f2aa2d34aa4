// A question in SQL to a snapshot: the tables that it names are read out of the repository, of them the columns that it needs.
import type { StatementSync } from 'node:sqlite';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SqlColumn, SqlValue } from '#sources/table-reader.ts';
import { type Askable, type AskableTable, type AskContext, askable } from './askable.ts';
import { splitAtDot } from './named-table.ts';
import { type Prepared, type SqlTable, SqlTables, type Unknown } from './sql-tables.ts';

export interface QueryRequest {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  readonly sql: string;
}

/** All that a query needs has been read: it needs the repository no more. Holds that until it is disposed of. */
export interface Query extends Disposable {
  readonly columns: readonly string[];
  /** Fields that no document has: most likely misspelt. */
  readonly absent: readonly string[];
  /** The answer. USAGE when SQLite stops in the midst of it. */
  rows(): Iterable<readonly SqlValue[]>;
}

/** A table that the query names, in SQLite. */
interface Asked extends SqlTable {
  readonly table: AskableTable;
  /** As the table has them, each with what it is called in SQLite. */
  readonly columns: readonly (SqlColumn & { readonly as: string })[];
  /** Of documents: the fields that the query turned out to need, and those of them that came. */
  readonly fields: Set<string>;
  readonly found: Set<string>;
}

/** USAGE for SQL that SQLite does not take and for a kind without rows; REPOSITORY_DAMAGED for rows that are not all there. */
export const openQuery = async (
  { repository, snapshot, sql }: QueryRequest,
  context: AskContext,
): Promise<Query> => {
  const from = await askable(repository, snapshot, context);
  const tables = new SqlTables();
  try {
    const { prepared, asked } = await understand(sql, from, tables);
    await tables.filling(async () => {
      for (const table of asked) await load(table, prepared, tables);
    });
    return {
      columns: prepared.statement.columns().map(({ name }) => name),
      absent: [...new Set(asked.flatMap(({ fields }) => [...fields]))].filter(
        (field) => !asked.some(({ found }) => found.has(field)),
      ),
      rows: () => answer(prepared.statement),
      [Symbol.dispose]: () => tables[Symbol.dispose](),
    };
  } catch (error) {
    tables[Symbol.dispose]();
    throw error;
  }
};

function* answer(statement: StatementSync): Generator<readonly SqlValue[]> {
  statement.setReturnArrays(true); // as objects, columns of the same name would be one
  try {
    yield* statement.iterate() as Iterable<unknown> as Iterable<SqlValue[]>;
  } catch (cause) {
    throw new HoldfastError('USAGE', `SQLite could not answer the query: ${messageOf(cause)}`, { cause });
  }
}

/** SQLite says one by one what it does not know, until it knows all that the query names. */
const understand = async (
  sql: string,
  from: Askable,
  tables: SqlTables,
): Promise<{ readonly prepared: Prepared; readonly asked: readonly Asked[] }> => {
  const asked = new Map<string, Asked>();
  for (;;) {
    const prepared = tables.prepare(sql);
    if ('statement' in prepared) return { prepared, asked: [...asked.values()] };
    const { kind, name } = prepared;
    if (kind !== 'table') addField(prepared, [...asked.values()], from, tables);
    else {
      // Only a name with a dot in itself is still unknown when there is one of its schema.
      const [schema, inSchema] = asked.has(name) ? [name, undefined] : splitAtDot(name);
      const place = inSchema === undefined ? { schema: 'main', name } : { schema, name: inSchema };
      asked.set(asked.has(name) ? `"${name}"` : name, make(place, await from.named(name), tables));
    }
  }
};

const make = ({ schema, name }: SqlTable, table: AskableTable, tables: SqlTables): Asked => {
  const columns = namedApart(table.columns);
  tables.create(
    { schema, name },
    columns.map(({ as, type }) => ({ name: as, type })),
  );
  return { schema, name, table, columns, fields: new Set(), found: new Set() };
};

/** To SQLite `Id` and `id` are the same: the second is `id_2`. */
const namedApart = (columns: readonly SqlColumn[]): Asked['columns'] => {
  const taken = new Set<string>();
  return columns.map((column) => {
    let as = column.name;
    for (let number = 2; taken.has(as.toLowerCase()); number += 1) as = `${column.name}_${number}`;
    taken.add(as.toLowerCase());
    return { ...column, as };
  });
};

/** Any field of documents is a column; of rows those that their table has. */
const addField = (
  { kind, name }: Unknown,
  asked: readonly Asked[],
  from: Askable,
  tables: SqlTables,
): void => {
  const isJoined = kind === 'joined column';
  const field = isJoined ? name : name.slice(name.lastIndexOf('.') + 1);
  const without = from.hasAnyColumn ? asked.filter(({ fields }) => !fields.has(field)) : [];
  if (without.length === 0) {
    const known = asked.flatMap(({ columns }) => columns.map(({ as }) => as));
    throw new HoldfastError(
      'USAGE',
      isJoined
        ? `tables are joined by a column "${name}" that not both have`
        : `no table of the query has a column "${name}"${didYouMean(field, known)}`,
      {
        hint: 'texts stand in single quotes, names in double ones',
      },
    );
  }
  for (const table of without) {
    tables.addColumn(table, field);
    table.fields.add(field);
  }
};

const load = async (asked: Asked, prepared: Prepared, tables: SqlTables): Promise<void> => {
  const fields = [...asked.fields].map((name) => ({ name, as: name }));
  const columns = [...asked.columns, ...fields].filter(({ as }) => prepared.reads(asked, as));
  const insert = tables.inserter(
    asked,
    columns.map(({ as }) => as),
  );
  const names = columns.map(({ name }) => name);
  await asked.table.read(names, (values) => {
    insert(values);
    for (const [at, name] of names.entries()) if (values[at] !== null) asked.found.add(name);
  });
};
