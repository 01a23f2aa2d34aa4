// The entries of one database: its definition, the rows of its tables, and the manifest that counts them.

import { hasCode } from '#lib/errors.ts';
import { createLifetime, type Lifetime } from '../lifetime.ts';
import { folderEntry } from '../own-entries.ts';
import type { Entry } from '../source.ts';
import { createTally } from '../tally.ts';
import { chooseTables } from './choice.ts';
import { type Connection, connect } from './connect.ts';
import { type Contents, makeContents } from './contents.ts';
import { type DatabaseDump, dataEntries, failedEntries, largeObjectEntries } from './data-entries.ts';
import type { Dump } from './dump.ts';
import { type ForeignKey, listExtensionKeys } from './foreign-keys.ts';
import { hiddenParts } from './hidden-parts.ts';
import { plainName } from './identifiers.ts';
import { databaseError } from './item-error.ts';
import { listLargeObjects } from './large-objects.ts';
import { databaseFiles, databasePath, dataFolder } from './layout.ts';
import { databaseSearchPath, listRoles, listSequences, listViewUses, tableSizes } from './listing.ts';
import { loadScript } from './load-script.ts';
import { manifestContent } from './manifest-content.ts';
import { wantedOf } from './patterns.ts';
import { dumpDatabaseDefinition, dumpSection } from './program-entries.ts';
import { type Range, rangesOf } from './ranges.ts';
import { openReading } from './reading.ts';
import { readSequences } from './sequences.ts';
import { takeSnapshot } from './snapshot.ts';

/** What the parent directory's entries are made of, and what keeps the snapshot open for them. */
export interface OpenDatabase extends DatabaseDump {
  readonly lifetime: Lifetime;
  readonly contents: Contents;
  readonly extensionKeys: readonly ForeignKey[];
}

/** Closes it when all is read. */
export async function* dumpDatabase(opened: OpenDatabase): AsyncGenerator<Entry> {
  let complete = false;
  try {
    yield* entriesOf(opened);
    complete = true;
  } finally {
    await (complete ? opened.lifetime.seal() : opened.lifetime.end());
  }
}

/**
 * The definition comes first, although its second half has a later name: pg_dump too must lock every table, and somebody who
 * waits for an exclusive lock later on would keep it out.
 */
async function* entriesOf(opened: OpenDatabase): AsyncGenerator<Entry> {
  const { dump, database, folder, snapshot, choice, contents } = opened;
  const section = (name: 'pre-data' | 'post-data') => () =>
    definition(opened, dumpSection(dump, { database, section: name, snapshot, choice }));
  const file = (name: string, content: () => AsyncIterable<Uint8Array>): Entry => ({
    path: `${folder}/${name}`,
    type: 'file',
    meta: { mode: 0o600 },
    content: opened.lifetime.during(content),
  });
  yield folderEntry(folder);
  yield file(databaseFiles.preData, section('pre-data'));
  yield file(databaseFiles.database, () =>
    definition(opened, dumpDatabaseDefinition(dump, database, snapshot)),
  );
  yield file(databaseFiles.postData, section('post-data'));
  yield file(databaseFiles.contents, () => textContent(`${JSON.stringify(contents, undefined, 1)}\n`));
  yield folderEntry(`${folder}/${dataFolder}`);
  yield* failedEntries(opened);
  yield* dataEntries(opened);
  yield* largeObjectEntries(opened, contents.largeObjects);
  yield file(databaseFiles.load, () => textContent(loadScript(contents, opened.extensionKeys)));
  yield file(databaseFiles.manifest, () => manifestContent(opened));
}

/**
 * When the snapshot is lost, pg_dump only knows that it has gone; the session that held it was told why. What else it cannot
 * read of one database is no reason to be without the others.
 */
async function* definition(
  { reading, dump, database }: OpenDatabase,
  output: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    yield* output;
  } catch (error) {
    if (hasCode(error, 'SOURCE_DENIED', 'SOURCE_UNREACHABLE')) await reading.assertHeld();
    throw (dump.several && databaseError(error, database)) || error;
  }
}

async function* textContent(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Takes its snapshot and asks what there is. */
export const openDatabase = async (dump: Dump, database: string): Promise<OpenDatabase> => {
  const { config, settings, context, facts } = dump;
  const { signal } = context;
  const holder = await connect(settings, database, signal);
  const tally = createTally();
  let close = async (): Promise<void> => await holder[Symbol.asyncDispose]();
  const lifetime = createLifetime(async () => {
    tally.giveUp();
    await close();
  });
  dump.onClose(lifetime.end);
  try {
    const isWanted = (table: Parameters<typeof wantedOf>[2]): boolean =>
      wantedOf(config, database, table) !== 'nothing';
    const snapshot = await takeSnapshot(holder, isWanted, config.lockTimeoutSeconds);
    const { connections } = config;
    const reading = openReading({ settings, holder, snapshot: snapshot.id, connections, signal });
    close = async () => await reading[Symbol.asyncDispose]();
    for (const part of await hiddenParts(holder, facts))
      context.log.warn({ database }, `only a superuser may read ${part}: not in the backup`);
    const found = await lookInto(dump, { database, snapshot, reading, holder });
    return { dump, database, folder: databasePath(database), snapshot, reading, tally, lifetime, ...found };
  } catch (error) {
    await lifetime.end();
    throw error;
  }
};

type Found = Pick<OpenDatabase, 'choice' | 'ranges' | 'sizes' | 'contents' | 'extensionKeys'>;

interface Opening extends Pick<OpenDatabase, 'database' | 'snapshot' | 'reading'> {
  /** The session that holds the snapshot. */
  readonly holder: Connection;
}

/** What the database has, what of it is kept, and how its rows are divided among files. */
const lookInto = async (dump: Dump, { database, snapshot, reading, holder }: Opening): Promise<Found> => {
  const { config, settings, facts } = dump;
  const choice = chooseTables(config, {
    database,
    user: settings.user,
    major: facts.major,
    tables: snapshot.tables.map((table) => dump.inOrder?.(database, table) ?? table),
    lockFailures: snapshot.lockFailures,
    sequences: await listSequences(holder),
    viewUses: await listViewUses(holder),
  });
  const withRows = choice.tables.filter((table) => choice.withRows.has(plainName(table)));
  const sizes = await tableSizes(
    holder,
    withRows.map(({ oid }) => oid),
  );
  const ranges = new Map<string, readonly Range[]>();
  for (const table of withRows)
    ranges.set(plainName(table), rangesOf(table, sizes.get(table.oid) ?? 0, facts, config.rangeMiB));
  const largeObjects = config.largeObjects ?? config.tables === undefined;
  const contents = makeContents({
    database,
    encoding: snapshot.encoding,
    searchPath: await databaseSearchPath(holder),
    roles: await listRoles(holder),
    choice,
    ranges,
    sequences: await readSequences(reading, choice.sequences),
    largeObjects: largeObjects ? await listLargeObjects(reading) : [],
  });
  const extensionKeys = await listExtensionKeys(holder);
  return { choice, ranges, sizes, contents, extensionKeys };
};
