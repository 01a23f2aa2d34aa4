// Every kind of source there is. A new one is a folder here and a line below; its client loads when it is first opened.
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { systemCode } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import type { Context } from '#lib/kind.ts';
import {
  type Configured,
  configuredByUrl,
  type KindRegistry,
  register,
  registry,
  schemeOf,
} from '#lib/kind-registry.ts';
import { withoutPassword } from '#lib/secret.ts';
import { couchdb } from './couchdb/couchdb.ts';
import { files } from './files/files.ts';
import { mongodb } from './mongodb/mongodb.ts';
import { mysql } from './mysql/mysql.ts';
import { postgres } from './postgres/postgres.ts';
import type { RecordFinder } from './records.ts';
import type { Source } from './source.ts';
import { sqlite } from './sqlite/sqlite.ts';
import { sqlserver } from './sqlserver/sqlserver.ts';
import type { TableReader } from './table-reader.ts';

export const sourceKinds: KindRegistry<Source> = registry(
  register(files),
  register(sqlite),
  register(postgres),
  register(mysql),
  register(mongodb),
  register(sqlserver),
  register(couchdb),
);

/** What of a kind loads when it is asked for; undefined for a kind without it. */
const forKind =
  <Ability>(loaders: Readonly<Record<string, () => Promise<Ability>>>) =>
  (kind: string | undefined): (() => Promise<Ability>) | undefined =>
    kind !== undefined && Object.hasOwn(loaders, kind) ? loaders[kind] : undefined;

/** How documents are found by their keys in what a kind dumped. */
export const recordFinderOf = forKind<RecordFinder>({
  couchdb: async () => (await import('./couchdb/records.ts')).documents,
  mongodb: async () => (await import('./mongodb/records.ts')).documents,
});

/** How rows and documents are told apart and looked into in what a kind dumped. */
export const tableReaderOf = forKind<TableReader>({
  couchdb: async () => (await import('./couchdb/table-reader.ts')).tableReader,
  mongodb: async () => (await import('./mongodb/table-reader.ts')).tableReader,
  mysql: async () => (await import('./mysql/table-reader.ts')).tableReader,
  postgres: async () => (await import('./postgres/table-reader.ts')).tableReader,
  'postgres-partial': async () => (await import('./postgres/table-reader.ts')).changesReader,
  sqlite: async () => (await import('./sqlite/table-reader.ts')).tableReader,
  sqlserver: async () => (await import('./sqlserver/table-reader.ts')).tableReader,
});

/** A source that can be opened: its name, its kind, and that kind's configuration. */
export interface SourceConfig extends Configured<Source> {
  readonly name: string;
  /** Where it is, when its name was taken from that: another place may give the same name. */
  readonly place?: string | undefined;
}

export const openSource = (source: SourceConfig, context: Omit<Context, 'name'>): Promise<Source> =>
  source.open({ ...context, name: source.name });

/**
 * The source that a URL or path on the command line stands for, named after its last part: 'shop' for
 * 'postgres://db/shop', 'media' for '/srv/media'. The scheme names the kind; a path is `files`, or `sqlite` when it is a
 * file ending in .db, .sqlite or .sqlite3 that begins as SQLite's do. USAGE for a scheme nobody knows.
 */
export const sourceFromUrl = (url: string): SourceConfig => {
  const scheme = schemeOf(url) ?? (isSqliteFile(expandHome(url)) ? 'sqlite' : 'files');
  const configured = configuredByUrl(sourceKinds, url, scheme);
  const place = placeOf(url, configured.kind);
  return { ...configured, name: nameOfPlace(place), place };
};

const isSqliteFile = (path: string): boolean => {
  if (!sqliteExtension.test(path)) return false;
  try {
    return statSync(path).isFile() && hasSqliteMagic(path);
  } catch (error) {
    // What cannot be read now may be read a moment later: a database in use must not be stored as a mere file then.
    return !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
  }
};

/** How files of SQLite are called. */
export const sqliteExtension = /\.(db|sqlite3?)$/i;

/** https://www.sqlite.org/fileformat.html, section 1.3.1 */
const sqliteMagic = 'SQLite format 3\0';

const hasSqliteMagic = (path: string): boolean => {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(sqliteMagic.length);
    return readSync(file, start) === start.length && start.toString('latin1') === sqliteMagic;
  } finally {
    closeSync(file);
  }
};

/** An absolute path, or a URL without whom it lets in and how. */
const placeOf = (url: string, kind: string): string => {
  const scheme = schemeOf(url);
  const address = scheme === undefined ? url : withoutPassword(url).slice(scheme.length + 1);
  if (scheme === undefined || !address.startsWith('//')) return resolve(expandHome(address));
  return `${kind}:${address.replace(/[?#].*$/s, '').replace(/^\/\/[^@/]*@/, '//')}`;
};

/** The last part of the path, or the host of a URL without one, with nothing but the characters that a name may have. */
const nameOfPlace = (place: string): string => {
  const name = basename(place.replace(/^[^:/]*:(\/\/)?/, ''))
    .replace(sqliteExtension, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return name === '' ? 'root' : name;
};
