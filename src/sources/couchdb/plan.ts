// What of a database has to be read: what changed since the last backup, or everything.
import { messageOf } from '#lib/errors.ts';
import type { Previous } from '../source.ts';
import { type Changed, readChanges } from './changed.ts';
import type { Dump } from './dump.ts';
import { type Index, previousIndex } from './index-file.ts';
import { type DatabaseInfo, missingRevisions, seqNumber } from './server.ts';

export interface Plan {
  /** How many digits of its id's hash choose a document's file. */
  readonly depth: number;
  /** What a document takes, with its history: the server's own average. */
  readonly typicalBytes: number;
  /** Everything when there is no base. */
  readonly changed: Changed;
  /** The last backup, of which all counts that is not in a partition with changes. */
  readonly base: Index | undefined;
}

/** Reads the feed of changes, and tells why when it has to begin anew. */
export const planReading = async (
  dump: Dump,
  database: string,
  info: DatabaseInfo,
  previous: Previous | undefined,
): Promise<Plan> => {
  const { client, context } = dump;
  const read = (since: string, depth: number): Promise<Changed> =>
    readChanges(client, { database, since, depth, signal: context.signal });
  const common = { typicalBytes: typicalBytesOf(info) };
  const base = previous && (await usableIndex(previous, database, dump));
  const since = base?.head.since ?? undefined;
  if (base && since !== undefined) {
    const { depth } = base.head;
    let reason = reasonBefore(base, info, dump);
    if (reason === undefined) {
      const changed = await read(since, depth);
      reason = reasonAfter(base, info, changed) ?? (await strangeRevision(dump, database, base, changed));
      if (reason === undefined && !isEverything(changed, info)) return { ...common, depth, changed, base };
    }
    if (reason !== undefined) context.log.warn({ database, reason }, 'the database is read in full');
  }
  const depth = depthFor(info);
  return { ...common, depth, changed: await read('0', depth), base: undefined };
};

/** A damaged one is as good as none: everything can be read anew. */
const usableIndex = async (
  previous: Previous,
  database: string,
  { context }: Dump,
): Promise<Index | undefined> => {
  try {
    return await previousIndex(previous, database);
  } catch (error) {
    context.log.warn({ database, error: messageOf(error) }, 'the index of the last backup cannot be read');
    return undefined;
  }
};

/** Why the last backup cannot be gone on from, as far as the database's own words tell. */
const reasonBefore = ({ head }: Index, info: DatabaseInfo, { facts }: Dump): string | undefined => {
  if (head.vendor !== facts.vendor) return 'it is another kind of server';
  if (head.createdAt !== info.createdAt) return 'the database was made anew';
  if (seqNumber(head.purgeSeq) !== seqNumber(info.purgeSeq)) return 'documents were purged';
  if (seqNumber(info.updateSeq) < seqNumber(head.updateSeq)) return 'its sequence went back';
  if (!fits(info, head.depth, 4) || head.depth > depthFor(info) + 1)
    return 'it has become much larger or smaller';
  return undefined;
};

/** Documents appear and are deleted only by changes, and go away only by a purge. */
const reasonAfter = (base: Index, info: DatabaseInfo, { rows }: Changed): string | undefined => {
  const { documents, deleted } = totalsOf(base);
  const difference = info.documents - base.head.surplus - documents;
  if (Math.abs(difference) > rows) return `it has ${info.documents} documents, and had ${documents}`;
  if (info.deleted !== undefined && info.documents + info.deleted - base.head.surplus < documents + deleted)
    return 'documents went away';
  return undefined;
};

/**
 * True when every document changed. So it looks when a database was made anew within the second in which the old one was made, or
 * on a server that does not tell when: sequences of the old one begin at the beginning of the new one.
 */
const isEverything = ({ rows }: Changed, { documents, deleted = 0 }: DatabaseInfo): boolean =>
  rows > 0 && rows >= documents + deleted;

export const totalsOf = ({
  partitions,
}: Pick<Index, 'partitions'>): { documents: number; deleted: number } => {
  const totals = { documents: 0, deleted: 0 };
  for (const { documents, deleted } of partitions.values()) {
    totals.documents += documents;
    totals.deleted += deleted;
  }
  return totals;
};

const samplesAtMost = 500;

/** A database that was made anew under the same name has not heard of the old one's revisions. */
const strangeRevision = async (
  { client }: Dump,
  database: string,
  { partitions }: Index,
  changed: Changed,
): Promise<string | undefined> => {
  const touched = new Map(changed.partitions.map((partition) => [partition, changed.of(partition)]));
  const samples = [...partitions.values()]
    .filter(({ partition, sample: [id] }) => !touched.get(partition)?.has(id))
    .slice(0, samplesAtMost)
    .map(({ sample: [id, rev] }) => [id, [rev]] as const);
  if (samples.length === 0) return undefined;
  const missing = await missingRevisions(client, database, Object.fromEntries(samples));
  const [id] = Object.keys(missing);
  return id === undefined ? undefined : `it no longer has a revision of ${id} that it had`;
};

/** Some hundred bytes of it are names and history. */
const typicalBytesOf = ({ documents, deleted = 0, bytes = 0 }: DatabaseInfo): number =>
  200 + Math.ceil(bytes / Math.max(1, documents + deleted));

const documentsPerPartition = 2000;
const bytesPerPartition = 8 * 1024 * 1024;

/** A partition is held in memory; with many small ones, a few changes rewrite little. */
const depthFor = (info: DatabaseInfo): number => {
  let depth = 0;
  while (depth < 6 && !fits(info, depth, 1)) depth += 1;
  return depth;
};

const fits = ({ documents, deleted = 0, bytes = 0 }: DatabaseInfo, depth: number, slack: number): boolean => {
  const partitions = 16 ** depth * slack;
  return documents + deleted <= partitions * documentsPerPartition && bytes <= partitions * bytesPerPartition;
};
