// Builders for the tests of MongoDB: sources on a test's server, and what is in a database, seen by the driver.
import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';
import type { MongoServer } from '../../../test/servers/mongodb.ts';
import { onServers, opener } from '../testing.ts';
import { mongodb } from './mongodb.ts';

/** `url` unless told is the server's without a database. */
export const { openOn: openMongodb, dumpOf, restoreTo } = onServers<MongoServer>(opener(mongodb));

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
