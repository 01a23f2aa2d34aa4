// Builders for the tests of MongoDB: sources on a test's server, what is in a database, seen by the driver, and receivers.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';
import { type Clock, systemClock } from '#lib/clock.ts';
import type { Intercept } from '../../../test/servers/documentdb/front.ts';
import type { MongoServer, StandIn } from '../../../test/servers/mongodb.ts';
import { type Receiver, type Receiving, receiverOf } from '../receiver.ts';
import { type CapturedEntry, loadInto, markOf, type OpenOptions, onServers, opener } from '../testing.ts';
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

/** A thousand times as fast, so that the silence of a dead run is soon over. */
export const hurried: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(Math.ceil(ms / 1000), signal),
};

/** What tests of receivers do with a server whose database `shop` is the sender's. */
export const receiversOn = (serverOf: () => StandIn) => {
  const open = async (
    database: string,
    work: (receiving: Receiving) => Promise<unknown>,
    options: OpenOptions = { clock: hurried },
  ): Promise<void> => {
    const server = serverOf();
    await using target = await openMongodb(server, { url: server.url(database) }, options);
    await using opened = await (receiverOf(target) as Receiver).openReceiving();
    await work(opened);
  };
  /** As a job does: what is there already is not loaded again. */
  const receive = (
    database: string,
    number: number,
    dump: readonly CapturedEntry[],
    options?: OpenOptions,
  ): Promise<void> =>
    open(
      database,
      async (opened) => {
        if (opened.mark?.snapshot !== markOf(number).snapshot) {
          await loadInto(opened, number, dump);
          await opened.publish();
        }
        assert.deepEqual(opened.mark, markOf(number));
      },
      options,
    );
  /** All that is there, but for the mark. */
  const seen = async (database: string): Promise<Record<string, unknown>> => {
    const { holdfast_received: _, ...others } = await seenBy(serverOf().client.db(database));
    return others;
  };
  return {
    open,
    receive,
    seen,
    shop: (): Promise<CapturedEntry[]> => dumpOf(serverOf(), { url: serverOf().url('shop') }),
    assertReceived: async (database: string, number: number): Promise<void> => {
      await open(database, async ({ mark }) => assert.deepEqual(mark, markOf(number)));
      assert.deepEqual(await seen(database), await seen('shop'));
    },
    /** Runs with commands answered by the test. */
    intercepting: async <Result>(intercept: Intercept, work: () => Promise<Result>): Promise<Result> => {
      const { front } = serverOf();
      front.intercept = intercept;
      try {
        return await work();
      } finally {
        front.intercept = undefined;
      }
    },
  };
};
