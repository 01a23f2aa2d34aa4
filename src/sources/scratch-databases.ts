// The names of scratch databases, for servers that hold several.
import { HoldfastError } from '#lib/errors.ts';

/** Each database's own name, and that of its copy; all of them begin with the name of the place. */
export const scratchNamesOf = (name: string, databases: readonly string[]): ReadonlyMap<string, string> =>
  new Map(databases.map((database, at) => [database, `${name}_${at + 1}`]));

/** True for what a place of that name has made. */
export const isOfScratch = (name: string, database: string): boolean =>
  database === name || database.startsWith(`${name}_`);

/** The copy that a query is for; its database may be left out where there is only one. USAGE otherwise. */
export const copyOf = (names: ReadonlyMap<string, string>, database: string | undefined): string => {
  const known = [...names.keys()].join(', ');
  const copy = names.get(database ?? '') ?? (names.size === 1 ? [...names.values()][0] : undefined);
  if (database !== undefined && !names.has(database))
    throw new HoldfastError('USAGE', `the snapshot holds no database ${database}`, {
      hint: `it holds ${known}`,
    });
  if (copy !== undefined) return copy;
  throw new HoldfastError('USAGE', `the snapshot holds ${names.size} databases`, {
    hint: `say which one the query is for, as its database: ${known}`,
  });
};
