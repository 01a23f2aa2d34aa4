// Where `restore --to` leads.
import { readdirSync, statSync } from 'node:fs';
import { schemeOf } from '#lib/kind-registry.ts';
import { withoutPassword } from '#lib/secret.ts';
import { type SourceConfig, sourceFromUrl, sqliteExtension } from '#sources/registry.ts';

/** The database of a URL; of a path the folder, or the file of SQLite where one may be meant. */
export const targetOf = (to: string, mayBeSqlite: boolean): SourceConfig => {
  if (schemeOf(to) !== undefined) return sourceFromUrl(to);
  return sourceFromUrl(`${mayBeSqlite && sqliteExtension.test(to) ? 'sqlite' : 'files'}:${to}`);
};

/** The place of a source as its configuration names it, without what is secret in it. */
export const placeText = (source: SourceConfig): string => {
  const { path, paths, url }: Record<string, unknown> = JSON.parse(JSON.stringify(source.toJSON()));
  const place = path ?? (Array.isArray(paths) ? paths[0] : url);
  return typeof place === 'string' ? withoutPassword(place) : 'its place';
};

/** What a dry run can see of the refusal to come: a database tells when it is restored into. */
export const fullFolder = (target: SourceConfig): string | undefined => {
  const { path, paths } = target.toJSON();
  const folder: unknown = path ?? (Array.isArray(paths) ? paths[0] : undefined);
  if (target.kind !== 'files' || typeof folder !== 'string') return undefined;
  const isFull =
    statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true && readdirSync(folder).length > 0;
  return isFull ? folder : undefined;
};

export const hintForFullFolder =
  'restore into a new folder, or add --force to replace the files of the same names in it';
