// A question in SQL to a snapshot: the tables that it names are read out of the repository, of them the columns that it needs.
import type { StatementSync } from 'node:sqlite';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SqlColumn, SqlValue } from '#sources/table-reader.ts';
import { type Askable, type AskableTable, type AskContext, askable } from './askable.ts';
import { ownSchemas, type Prepared, type SqlTable, SqlTables, type Unknown } from './sql-tables.ts';

export interface QueryRequest {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  readonly sql: string;
}

/** All that a query needs has been read: it needs the repository no more. Holds that until it is disposed of. */
export interface Query extends Disposable {
  readonly columns: readonly string[];
  /** Fields that the query names, and no document of their table has: most likely misspelt. */
  readonly absent: readonly { readonly table: string; readonly field: string }[];
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
      absent: asked.flatMap((table) =>
        [...table.fields]
          .filter((field) => prepared.reads(table, field) && !table.found.has(field))
          .map((field) => ({ table: table.name, field })),
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

interface Understood {
  readonly prepared: Prepared;
  readonly asked: readonly Asked[];
}

/** SQLite says one by one what it does not know, until it knows all that the query names. */
const understand = async (sql: string, from: Askable, tables: SqlTables): Promise<Understood> => {
  const asked: Asked[] = [];
  const spare = new Set<Asked>();
  const unclear: { readonly place: SqlTable; readonly error: HoldfastError }[] = [];
  const places = new Map<string, SqlTable[]>();
  for (;;) {
    const prepared = tables.prepare(sql);
    if ('statement' in prepared) {
      const wrong = unclear.find(({ place }) => prepared.reads(place));
      if (wrong) throw wrong.error;
      return { prepared, asked: asked.filter((table) => !spare.has(table) || prepared.reads(table)) };
    }
    const { kind, name } = prepared;
    if (kind !== 'table') {
      addField(prepared, asked, from, tables);
      continue;
    }
    const table = await from.named(name);
    const left = places.get(name) ?? (await placesOf(name, { table, from, sql }));
    places.set(name, left);
    const place = left.shift();
    if (!place) throw ownSchema(name);
    asked.push(make(place, table, tables));
    const isThere = [...asked, ...unclear.map((each) => each.place)].some((other) =>
      isInMain(other, place.name),
    );
    if (isThere) continue;
    // Without a schema, that name would be found in this one, whatever it stands for in the snapshot.
    const main = { schema: 'main', name: place.name };
    const plain = await namedOrError(from, place.name);
    if (plain instanceof HoldfastError) {
      tables.create(main, []);
      unclear.push({ place: main, error: plain });
      continue;
    }
    const made = make(main, plain, tables);
    asked.push(made);
    spare.add(made);
  }
};

const isInMain = ({ schema, name }: SqlTable, other: string): boolean =>
  schema === 'main' && name.toLowerCase() === other.toLowerCase();

/** Where SQLite may look for what it calls so: it does not tell which of the dots are in a name. */
const placesOf = async (
  name: string,
  { table, from, sql }: { readonly table: AskableTable; readonly from: Askable; readonly sql: string },
): Promise<SqlTable[]> => {
  const dots = [...name.matchAll(/(?<=[\s\S])\./g)].map(({ index }) => index);
  const places: SqlTable[] = [];
  for (const dot of dots) {
    const place = { schema: name.slice(0, dot), name: name.slice(dot + 1) };
    if (!ownSchemas.has(place.schema.toLowerCase()) || (await isSame(place.name, table, from)))
      places.push(place);
  }
  const others = dots.length === 0 && /\bmain\b/i.test(sql) && !(await isSame(`main.${name}`, table, from));
  return others ? [] : [...places, { schema: 'main', name }];
};

const isSame = async (name: string, table: AskableTable, from: Askable): Promise<boolean> => {
  const other = await namedOrError(from, name);
  return other instanceof HoldfastError || other.id === table.id;
};

const namedOrError = async (from: Askable, name: string): Promise<AskableTable | HoldfastError> => {
  try {
    return await from.named(name);
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
};

const ownSchema = (name: string): HoldfastError =>
  new HoldfastError(
    'USAGE',
    `"${printable(name)}" can be more than one table: SQLite has schemas "main" and "temp" of its own`,
    {
      hint: 'put the whole name of a table, with its schema, in one pair of double quotes',
    },
  );

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
  const afterDots = [...name.matchAll(/\./g)].map(({ index }) => name.slice(index + 1)).toReversed();
  const isNew = (one: string): boolean => asked.some(({ fields }) => !fields.has(one));
  // SQLite does not tell which of the dots are in the name of a field.
  const field = (isJoined ? name : [...afterDots, name].find(isNew)) ?? name;
  const without = from.hasAnyColumn ? asked.filter(({ fields }) => !fields.has(field)) : [];
  if (without.length === 0) {
    const known = asked.flatMap(({ columns }) => columns.map(({ as }) => as));
    throw new HoldfastError(
      'USAGE',
      isJoined
        ? `tables are joined by a column "${name}" that not both have`
        : `no table of the query has a column "${name}"${didYouMean(afterDots[0] ?? name, known)}`,
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
