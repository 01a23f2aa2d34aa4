// Which tables and columns a query is about: they are made for SQLite, without rows, as it asks for them.
import { HoldfastError } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { SqlColumn } from '#sources/table-reader.ts';
import type { Askable, AskableTable } from './askable.ts';
import { ownSchemas, type Prepared, type SqlTable, type SqlTables, type Unknown } from './sql-tables.ts';

/** A table that the query names, in SQLite. */
export interface Asked extends SqlTable {
  readonly table: AskableTable;
  /** As the table has them, each with what it is called in SQLite. */
  readonly columns: readonly (SqlColumn & { readonly as: string })[];
  /** Of documents: the fields that the query turned out to need, and those of them that came. */
  readonly fields: Set<string>;
  readonly found: Set<string>;
}

export interface Understood {
  readonly prepared: Prepared;
  /** The tables that it reads. */
  readonly asked: readonly Asked[];
}

/** SQLite says one by one what it does not know, until it knows all that the query names. */
export const understand = async (sql: string, from: Askable, tables: SqlTables): Promise<Understood> => {
  const asked: Asked[] = [];
  const unclear: { readonly place: SqlTable; readonly error: HoldfastError }[] = [];
  const places = new Map<string, SqlTable[]>();
  for (;;) {
    const prepared = tables.prepare(sql);
    if ('statement' in prepared) {
      const wrong = unclear.find(({ place }) => prepared.reads(place));
      if (wrong) throw wrong.error;
      return { prepared, asked: asked.filter((table) => prepared.reads(table)) };
    }
    const { kind, name } = prepared;
    if (kind !== 'table') {
      addField(prepared, asked, tables);
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
    } else asked.push(make(main, plain, tables));
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
const addField = ({ kind, name }: Unknown, asked: readonly Asked[], tables: SqlTables): void => {
  const ofDocuments = asked.filter(({ table }) => table.hasAnyColumn);
  const isJoined = kind === 'joined column';
  const afterDots = [...name.matchAll(/\./g)].map(({ index }) => name.slice(index + 1)).toReversed();
  const isNew = (one: string): boolean => ofDocuments.some(({ fields }) => !fields.has(one));
  // SQLite does not tell which of the dots are in the name of a field.
  const field = (isJoined ? name : [...afterDots, name].find(isNew)) ?? name;
  const without = ofDocuments.filter(({ fields }) => !fields.has(field));
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
