// Scratch databases on servers that hold several: their names, and their dump.
import { HoldfastError } from '#lib/errors.ts';
import type { Entry } from './source.ts';

/** Each database's own name, and that of its copy; all of them begin with the name of the place. */
export const scratchNamesOf = (name: string, databases: readonly string[]): ReadonlyMap<string, string> =>
  new Map(databases.map((database, at) => [database, `${name}_${at + 1}`]));

/** True for what a place of that name has made. */
export const isOfScratch = (name: string, database: string): boolean =>
  database === name || database.startsWith(`${name}_`);

/** TARGET_NOT_EMPTY when there is any of the databases that such a place would make. */
export const assertNoneTaken = ([taken]: readonly string[], server: string): void => {
  if (taken !== undefined)
    throw new HoldfastError('TARGET_NOT_EMPTY', `there is a database ${taken} on ${server} already`);
};

/** A dump of the copies as one of their databases, without what is the server's own. */
export async function* underOwnNames(
  entries: AsyncIterable<Entry>,
  names: ReadonlyMap<string, string>,
  databasePath: (database: string) => string,
): AsyncGenerator<Entry> {
  const folders = new Map([...names].map(([database, copy]) => [databasePath(copy), databasePath(database)]));
  for await (const entry of entries) {
    const [top = '', ...rest] = entry.path.split('/');
    const folder = folders.get(top);
    if (folder !== undefined) yield { ...entry, path: [folder, ...rest].join('/') };
  }
}

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
