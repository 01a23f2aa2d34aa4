// Builders for the tests of MariaDB and MySQL: sources on a test's server, and their dumps.
import { systemClock } from '#lib/clock.ts';
import { type Log, silentLog } from '#lib/log.ts';
import type { MysqlServer } from '../../../test/servers/mariadb.ts';
import type { RestoreReport, RestoreTarget, Source } from '../source.ts';
import { type CapturedEntry, capture, intoEmpty, replay } from '../testing.ts';
import { mysql } from './mysql.ts';
import { manyKinds, mariadbOnly, mysqlOnly, programs } from './testing-database.ts';

export interface OpenOptions {
  readonly signal?: AbortSignal;
  readonly log?: Log;
}

/** A source with this configuration; `url` unless told is the server's without a database. */
export const openMysql = (
  server: MysqlServer,
  config: Readonly<Record<string, unknown>> = {},
  { signal = new AbortController().signal, log = silentLog }: OpenOptions = {},
): Promise<Source> =>
  mysql.open(mysql.config.parse({ url: server.url(), ...config }), {
    name: 'shop',
    signal,
    log,
    clock: systemClock,
  });

/** A whole dump, with contents read side by side as a repository does. */
export const dumpOf = async (
  server: MysqlServer,
  config: Readonly<Record<string, unknown>> = {},
): Promise<CapturedEntry[]> => {
  await using source = await openMysql(server, config);
  return await capture(source, undefined, source.concurrency);
};

/** Restores entries in the order in which a repository hands them out. */
export const restoreTo = async (
  server: MysqlServer,
  entries: readonly CapturedEntry[],
  config: Readonly<Record<string, unknown>> = {},
  into: Partial<RestoreTarget> = {},
): Promise<RestoreReport> => {
  await using target = await openMysql(server, config);
  return await target.restore(replay(inPathOrder(entries)), { ...intoEmpty, ...into });
};

/** Depth first, names in the order of their bytes. */
export const inPathOrder = (entries: readonly CapturedEntry[]): CapturedEntry[] =>
  entries
    .filter(({ failed }) => !failed)
    .toSorted((a, b) => Buffer.compare(pathKey(a.path), pathKey(b.path)));

const pathKey = (path: string): Buffer => Buffer.from(path.replaceAll('/', '\0'));

/** What a job hands over of a table: its own files, and those that lie beside and above it. */
export const partOf = (entries: readonly CapturedEntry[], ...chosen: readonly string[]): CapturedEntry[] =>
  entries.filter(({ path, type }) =>
    chosen.some((one) => {
      const prefix = one.endsWith('*') ? one.slice(0, -1) : `${one}/`;
      const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      return (
        path === one ||
        path.startsWith(prefix) ||
        (type === 'file' && one.startsWith(`${folder}/`)) ||
        folder === ''
      );
    }),
  );

/** The text of an entry. */
export const textAt = (entries: readonly CapturedEntry[], path: string): string =>
  Buffer.from(entries.find((entry) => entry.path === path)?.content ?? []).toString();

/** Makes the database `shop` with every kind of object that the engine has. */
export const makeShop = async (server: MysqlServer, engine: 'mariadb' | 'mysql'): Promise<void> => {
  await server.sql('create database shop character set utf8mb4');
  const own = engine === 'mariadb' ? mariadbOnly : mysqlOnly;
  // MySQL shows a character set more often in a table that was made from what it showed.
  const common = engine === 'mariadb' ? manyKinds : manyKinds.replaceAll(' collate=utf8mb4_unicode_ci', '');
  for (const sql of [common, programs, own]) await server.client(['shop'], inLatin1(sql));
};

/** One function is written in Latin-1. */
const inLatin1 = (sql: string): Buffer =>
  Buffer.concat(
    sql.split('\\xe9').flatMap((part, index) => [Buffer.from(index > 0 ? [0xe9] : []), Buffer.from(part)]),
  );
