// The documents of one collection, in the order of _id, as raw BSON.
import { HoldfastError } from '#lib/errors.ts';
import { elementAt } from './bson.ts';
import { accountDatabase } from './choice.ts';
import type { MongodbConfig } from './config.ts';
import type { Command, Connection } from './connect.ts';
import { type Collection, type CollectionSize, findCollection, sizeOf } from './listing.ts';
import type { Moment } from './moment.ts';
import { everything, type Range, rangeCount, rangesBetween, sampleSize } from './ranges.ts';
import { serverCode } from './server-error.ts';

type Batches = AsyncGenerator<readonly Uint8Array[]>;

export interface Reading {
  readonly connection: Connection;
  readonly config: MongodbConfig;
  readonly moment: Moment;
}

/** Chunks of about this size are handed on. */
const chunkBytes = 1024 * 1024;
/** More documents than any range has, so that a reply holds all of them, or as many as fit into the 16 MB of one. */
const wholeRange = 1_000_000;
/** More than a backup takes; else servers that have a limit for all reads (defaultMaxTimeMS) would end them. */
const longestMs = 2_147_483_647;

/** ITEM_CHANGED when the collection is no longer the one it was when it was chosen. */
export async function* readCollection(reading: Reading, collection: Collection): AsyncGenerator<Uint8Array> {
  const ranges =
    collection.order === 'id' && collection.type === 'collection'
      ? await rangesOf(reading, collection)
      : [everything];
  const { connections } = reading.config;
  for await (const batch of oneAfterTheOther(ranges, connections, (range) =>
    find(reading, collection, range),
  ))
    yield* chunksOf(batch);
  await assertStillThere(reading, collection);
}

/** The ranges in their order; the next ones are fetched meanwhile, of each as much as fits into one reply. */
async function* oneAfterTheOther(
  ranges: readonly Range[],
  limit: number,
  open: (range: Range) => Batches,
): AsyncGenerator<readonly Uint8Array[]> {
  const waiting = [...ranges];
  const begun: { readonly batches: Batches; readonly first: ReturnType<Batches['next']> }[] = [];
  const begin = (): void => {
    const range = waiting.shift();
    if (!range) return;
    const batches = open(range);
    const first = batches.next();
    first.catch(() => {}); // observed when its turn comes
    begun.push({ batches, first });
  };
  try {
    while (begun.length < limit && waiting.length > 0) begin();
    for (let current = begun[0]; current; current = begun[0]) {
      const { value, done } = await current.first;
      if (!done) {
        yield value;
        yield* current.batches;
      }
      begun.shift();
      begin();
    }
  } finally {
    await Promise.allSettled(begun.map(({ batches }) => batches.return(undefined)));
  }
}

async function* find({ connection, moment }: Reading, collection: Collection, range: Range): Batches {
  const { database, data } = collection;
  const isCapped = collection.order === 'natural';
  const isRaw = collection.type === 'timeseries' && connection.facts.hasRawData;
  yield* connection.batches(database, {
    find: data,
    filter: range,
    batchSize: wholeRange,
    maxTimeMS: longestMs,
    ...orderOf(connection, collection, range),
    // Before 8.0 capped collections cannot be read at a point in time, and users never.
    ...(moment.readConcern && !isCapped && !isAccount(collection) && { readConcern: moment.readConcern }),
    ...(isRaw && { rawData: true }),
  });
}

/**
 * Without the hint, some engines sort all documents though the index has them in order; with a sort beside it, DocumentDB works
 * out a key for each, twice the work of reading them. A range that is hinted comes in the order of its index, but for a cluster,
 * which merges what its shards send. Hinted only where that index is sure to have its name.
 */
const orderOf = ({ facts }: Connection, { type, order, options }: Collection, range: Range): Command => {
  if (order === 'natural') return { sort: { $natural: 1 } };
  if (type !== 'collection' || elementAt(options, 'clusteredIndex')) return { sort: { _id: 1 } };
  const isOrdered = range !== everything && facts.topology !== 'sharded cluster';
  return { hint: { _id: 1 }, ...(!isOrdered && { sort: { _id: 1 } }) };
};

const isAccount = ({ database }: Collection): boolean => database === accountDatabase;

function* chunksOf(documents: readonly Uint8Array[]): Generator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let bytes = 0;
  for (const document of documents) {
    pending.push(document);
    bytes += document.length;
    if (bytes < chunkBytes) continue;
    yield Buffer.concat(pending, bytes);
    pending = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(pending, bytes);
}

/** One range, unless the collection is large and its _ids can be cut. */
const rangesOf = async (
  { connection, config }: Reading,
  collection: Collection,
): Promise<readonly Range[]> => {
  const { database, data } = collection;
  const { bytes, documents } = await knownSize(connection, collection);
  const count = rangeCount(bytes, config.rangeMiB);
  if (count < 2) return [everything];
  const end = async (direction: 1 | -1): Promise<Uint8Array | undefined> => {
    const command = { find: data, sort: { _id: direction }, projection: { _id: 1 }, limit: 1 };
    return (await connection.list(database, command))[0];
  };
  const pipeline = [
    { $sample: { size: sampleSize(count, documents) } },
    { $project: { _id: 1 } },
    { $sort: { _id: 1 } },
  ];
  const sample = await connection.list(database, {
    aggregate: data,
    pipeline,
    cursor: {},
    maxTimeMS: longestMs,
  });
  return rangesBetween(await end(1), await end(-1), sample, count);
};

/** Who may not read the statistics reads the collection in one go. */
const knownSize = async (connection: Connection, collection: Collection): Promise<CollectionSize> => {
  try {
    return await sizeOf(connection, collection);
  } catch (error) {
    if (serverCode(error) === undefined) throw error;
    return { bytes: 0, documents: 0 };
  }
};

/** A collection that is dropped reads as an empty one, and one that is made anew as another. */
const assertStillThere = async ({ connection }: Reading, collection: Collection): Promise<void> => {
  const { database, name, uuid } = collection;
  const now = await findCollection(connection, database, name);
  if (now && now.uuid === uuid) return;
  throw new HoldfastError(
    'ITEM_CHANGED',
    now ? 'it was replaced by another of its name' : 'it was dropped or renamed',
    {
      hint: 'run the backup again',
    },
  );
};
