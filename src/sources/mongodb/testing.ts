// Builders for the tests of MongoDB: sources on a test's server, and what is in a database, seen by the driver.
import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { MongoServer } from '../../../test/servers/mongodb.ts';
import type { RestoreReport, RestoreTarget, Source } from '../source.ts';
import { type CapturedEntry, capture, intoEmpty, replay } from '../testing.ts';
import { mongodb } from './mongodb.ts';

/** A source with this configuration; `url` unless told is the server's without a database. */
export const openMongodb = (
  server: MongoServer,
  config: Readonly<Record<string, unknown>> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Source> =>
  mongodb.open(mongodb.config.parse({ url: server.url(), ...config }), {
    name: 'shop',
    signal,
    log: silentLog,
    clock: systemClock,
  });

/** A whole dump, with contents read side by side as a repository does. */
export const dumpOf = async (
  server: MongoServer,
  config: Readonly<Record<string, unknown>> = {},
): Promise<CapturedEntry[]> => {
  await using source = await openMongodb(server, config);
  return await capture(source, undefined, source.concurrency);
};

/** Restores entries in the order in which a repository hands them out. */
export const restoreTo = async (
  server: MongoServer,
  entries: readonly CapturedEntry[],
  config: Readonly<Record<string, unknown>> = {},
  into: Partial<RestoreTarget> = {},
): Promise<RestoreReport> => {
  await using target = await openMongodb(server, config);
  return await target.restore(replay(inPathOrder(entries)), { ...intoEmpty, ...into });
};

/** Depth first, names in the order of their bytes. */
export const inPathOrder = (entries: readonly CapturedEntry[]): CapturedEntry[] =>
  entries
    .filter(({ failed }) => !failed)
    .toSorted((a, b) => Buffer.compare(pathKey(a.path), pathKey(b.path)));

const pathKey = (path: string): Buffer => Buffer.from(path.replaceAll('/', '\0'));

export const contentAt = (entries: readonly CapturedEntry[], path: string): Buffer =>
  Buffer.from(entries.find((entry) => entry.path === path)?.content ?? []);

/** Metadata without the collection's identity, which is another in another place. */
export const withoutUuid = (path: string, content: Uint8Array): Uint8Array =>
  path.endsWith('.metadata.json')
    ? Buffer.from(
        Buffer.from(content)
          .toString()
          .replace(/"uuid":"[0-9a-f]{32}"/, '"uuid":"…"'),
      )
    : content;

/** Everything in a database as the driver sees it, identities and the order of documents aside: collection by collection. */
export const seenBy = async (db: Db): Promise<Record<string, unknown>> => {
  const seen: Record<string, unknown> = {};
  for (const { name, type, options } of await db.listCollections({}, { nameOnly: false }).toArray()) {
    if (name.startsWith('system.')) continue;
    const indexes = type === 'view' ? [] : await db.collection(name).listIndexes().toArray();
    seen[name] = BSON.EJSON.stringify({ type, options, indexes, documents: await documentsOf(db, name) });
  }
  return seen;
};

/** Number and a hash of the raw documents. */
const documentsOf = async (db: Db, name: string): Promise<string> => {
  const cursor = db.collection(name).find({}, { raw: true });
  const hashes: string[] = [];
  for await (const document of cursor)
    hashes.push(
      createHash('sha256')
        .update(document as unknown as Uint8Array)
        .digest('hex'),
    );
  return `${hashes.length} ${createHash('sha256').update(hashes.toSorted().join()).digest('hex')}`;
};
