// Where `restore --to` leads.
import { schemeOf } from '#lib/kind-registry.ts';
import { type SourceConfig, sourceFromUrl, sqliteExtension } from '#sources/registry.ts';

/** The database of a URL; of a path the folder, or the file of SQLite where one may be meant. */
export const targetOf = (to: string, mayBeSqlite: boolean): SourceConfig => {
  if (schemeOf(to) !== undefined) return sourceFromUrl(to);
  return sourceFromUrl(`${mayBeSqlite && sqliteExtension.test(to) ? 'sqlite' : 'files'}:${to}`);
};
