// The entries of one database: metadata and documents of each collection, and the manifest that counts them.
import { HoldfastError } from '#lib/errors.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import { rowChunking } from '../increments.ts';
import { type Manifest, manifestName, manifestSchema } from '../manifest.ts';
import { folderEntry, textEntry } from '../own-entries.ts';
import type { Entry } from '../source.ts';
import { createTally, type Tally } from '../tally.ts';
import type { ChosenCollection, ChosenDatabase } from './choice.ts';
import { documentsOf } from './contents.ts';
import type { Dump } from './dump.ts';
import { metadataFile } from './layout.ts';
import type { Collection } from './listing.ts';
import { metadataJson } from './metadata.ts';
import { readCollection } from './read-collection.ts';
import { itemError } from './server-error.ts';

export function* dumpDatabase(dump: Dump, { name, collections, failures }: ChosenDatabase): Generator<Entry> {
  const tally = dump.tallies.get(name) ?? createTally('bson');
  yield folderEntry(name);
  for (const { collection, error } of failures) {
    tally.missing(collection, error.message);
    const path = `${name}/${metadataFile(collection)}`;
    yield { path, type: 'file', meta: {}, failed: error, item: `${name}.${collection}` };
  }
  for (const chosen of collections) {
    yield textEntry(`${name}/${metadataFile(chosen.collection.name)}`, metadataJson(chosen));
    if (chosen.withDocuments) yield documentsEntry(dump, tally, chosen);
  }
  yield {
    path: `${name}/${manifestName}`,
    type: 'file',
    meta: { mode: 0o600 },
    content: () => manifestContent(dump, name, tally),
  };
}

const documentsEntry = (dump: Dump, tally: Tally, { collection }: ChosenCollection): Entry => {
  const { database, name, order } = collection;
  tally.expect(name, documentsOf(collection));
  return {
    path: `${database}/${documentsOf(collection)}`,
    type: 'file',
    meta: { mode: 0o600 },
    content: () => countedDocuments(dump, tally, collection),
    chunking: order === 'natural' ? 'table' : rowChunking(dump.config, 'bson'), // the order of a capped collection is its own
    item: `${database}.${name}`,
  };
};

async function* countedDocuments(
  dump: Dump,
  tally: Tally,
  collection: Collection,
): AsyncGenerator<Uint8Array> {
  const { database, name } = collection;
  const counter = createRowCounter('bson');
  let outcome: unknown = new HoldfastError('CANCELLED', 'not read to its end');
  try {
    for await (const chunk of readCollection(dump, collection)) {
      counter.update(chunk);
      yield chunk;
    }
    const count = counter.finish();
    outcome = undefined;
    tally.done(name, count);
  } catch (error) {
    outcome = itemError(error, `${database}.${name}`, dump.connection.user);
    throw outcome;
  } finally {
    if (outcome !== undefined) tally.failed(name, documentsOf(collection), outcome);
  }
}

/** Waits for the documents. */
async function* manifestContent(
  { connection, moment }: Dump,
  database: string,
  tally: Tally,
): AsyncGenerator<Uint8Array> {
  const manifest: Manifest = {
    manifest: 1,
    engine: 'mongodb',
    engineVersion: connection.facts.version,
    database,
    position: { ...moment.position },
    capturedAt: moment.takenAt.toISOString(),
    ...(await tally.settled()),
  };
  yield Buffer.from(`${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`);
}
