// The names that a restore gives to tables.
import { HoldfastError } from '#lib/errors.ts';
import { parseName, plainName, type QualifiedName } from './identifiers.ts';
import type { Contents } from './model.ts';

type Renames = readonly (readonly [from: string, to: string])[];

/** The name that a table is to have: told for 'public.orders', 'shop.public.orders', or 'orders' in any schema. */
export const newNameOf = (rename: Renames, database: string, table: QualifiedName): string | undefined =>
  rename.find(([from]) =>
    [table.name, plainName(table), `${database}.${plainName(table)}`].includes(from),
  )?.[1];

/** 'orders_old' stays in the table's schema, 'archive.orders' goes to another. */
export const parseNewName = (text: string, { schema }: QualifiedName): QualifiedName => {
  const [first, second, ...more] = parseName(text) ?? [];
  if (first !== undefined && more.length === 0)
    return second === undefined ? { schema, name: first } : { schema: first, name: second };
  throw new HoldfastError('USAGE', `"${text}" is no name for a table`, {
    hint: 'say name, or schema.name, with brackets around a part that has a dot',
  });
};

/** USAGE for a name that no table of the backup has. */
export const assertTablesToRename = (
  rename: Renames,
  { database: { name: database }, tables }: Contents,
): void => {
  for (const [from] of rename)
    if (!tables.some((table) => newNameOf([[from, '']], database, table) !== undefined))
      throw new HoldfastError('USAGE', `the backup of ${database} has no table ${from} to rename`, {
        hint: 'give its name as `holdfast ls` shows it: schema.table',
      });
};
