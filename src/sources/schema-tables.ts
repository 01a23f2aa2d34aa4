// Tables that lie in schemas: which of them a restore is about, and the names that it gives them.
import { HoldfastError } from '#lib/errors.ts';

/** Whatever is in a schema. */
export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

/** 'public.orders': for people, and to compare. */
export const plainName = ({ schema, name }: QualifiedName): string => `${schema}.${name}`;

/** Tables and schemas of a database; with neither, the tables whose rows come. */
export interface Parts {
  readonly tables: readonly QualifiedName[];
  readonly schemas: readonly string[];
}

/** Reads 'public.orders', and 'public.*' for a schema, as they stand in paths. */
export const partsOf = (tables: readonly string[], decodeName: (encoded: string) => string): Parts => {
  const names = tables.map((table) => table.split('.').map(decodeName));
  return {
    tables: names.flatMap(([schema = '', name = '']) =>
      name === '' || name === '*' ? [] : [{ schema, name }],
    ),
    schemas: names.flatMap(([schema = '', name]) => (name === '*' ? [schema] : [])),
  };
};

type Renames = readonly (readonly [from: string, to: string])[];

/** The name that a table is to have: told for 'public.orders', 'shop.public.orders', or 'orders' in any schema. */
export const newNameOf = (rename: Renames, database: string, table: QualifiedName): string | undefined =>
  rename.find(([from]) =>
    [table.name, plainName(table), `${database}.${plainName(table)}`].includes(from),
  )?.[1];

/** 'orders_old' stays in the table's schema, 'archive.orders' goes to another. `parse` takes a name apart. */
export const parseNewName = (
  text: string,
  { schema }: QualifiedName,
  parse: (text: string) => readonly string[] | undefined,
): QualifiedName => {
  const [first, second, ...more] = parse(text) ?? [];
  if (first !== undefined && more.length === 0)
    return second === undefined ? { schema, name: first } : { schema: first, name: second };
  throw new HoldfastError('USAGE', `"${text}" is no name for a table`, {
    hint: 'say name, or schema.name, with double quotes around a part that has a dot',
  });
};

/** USAGE for a name that no table of the backup has. */
export const assertTablesToRename = (
  rename: Renames,
  { database, tables }: { readonly database: string; readonly tables: readonly QualifiedName[] },
): void => {
  for (const [from] of rename)
    if (!tables.some((table) => newNameOf([[from, '']], database, table) !== undefined))
      throw new HoldfastError('USAGE', `the backup of ${database} has no table ${from} to rename`, {
        hint: 'give its name as `holdfast ls` shows it: schema.table',
      });
};
