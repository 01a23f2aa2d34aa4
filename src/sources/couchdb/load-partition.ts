// The documents of each partition: from the last backup as far as they did not change, else from the server.
import { mapOrdered, Semaphore } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import type { EntryMeta, Previous, PreviousEntry } from '../source.ts';
import type { Dump } from './dump.ts';
import { type FetchGroup, fetchGroups } from './fetch-groups.ts';
import { fetchLeaves } from './fetch-leaves.ts';
import type { PartitionIndex } from './index-file.ts';
import { attachmentFile, attachmentsFolder, databasePath, documentsPath, type Partition } from './layout.ts';
import { inOrder, type Leaf, leafAt, linesOf } from './leaf.ts';
import { splitLines } from './lines.ts';
import type { Plan } from './plan.ts';
import type { AttachmentPlace } from './read-attachment.ts';

export interface Loaded {
  readonly partition: Partition;
  /** Absent when no document is left. */
  readonly index: PartitionIndex | undefined;
  /** Where each attachment can be read, or what the last backup has of it. */
  readonly attachments: readonly LoadedAttachment[];
  /** The lines, in larger pieces, or the file of the last backup that has the same. */
  readonly documents: readonly Uint8Array[] | PreviousEntry;
  readonly failures: readonly { readonly id: string; readonly error: Error }[];
}

export interface LoadedAttachment {
  readonly file: string;
  readonly from: PreviousEntry | AttachmentPlace;
}

export interface Loading {
  readonly dump: Dump;
  readonly database: string;
  readonly plan: Plan;
  readonly previous: Previous | undefined;
}

/** All partitions, each when its turn comes. The documents of several are fetched together, while those before are written. */
export async function* loadPartitions(loading: Loading): AsyncGenerator<Loaded> {
  const { config } = loading.dump;
  // One after the other, so that the first is there soon, and the next comes while it is written.
  const turn = new Semaphore(1);
  const groups = mapOrdered(fetchGroups(loading.plan), groupsAtOnce, async (group) => {
    await turn.acquire();
    return await fetchGroup(loading, group, () => turn.release());
  });
  for await (const group of groups)
    yield* mapOrdered(group, config.connections, (one) => loadPartition(loading, one));
}

const groupsAtOnce = 2;

const fetchGroup = async (
  { dump, database, plan }: Loading,
  group: FetchGroup,
  whenAsked: () => void,
): Promise<FetchGroup> => {
  const documents = group.flatMap(({ changed }) => [...changed.values()]);
  const { connections } = dump.config;
  await fetchLeaves(dump.client, documents, {
    database,
    connections,
    typicalBytes: plan.typicalBytes,
    whenAsked,
  });
  return group;
};

const loadPartition = async (
  loading: Loading,
  { partition, changed }: FetchGroup[number],
): Promise<Loaded> => {
  const known = changed.size === 0 ? await unchangedPartition(loading, partition) : undefined;
  if (known) return known;
  const documents = await previousDocuments(loading, partition, changed);
  const failures: { id: string; error: Error }[] = [];
  for (const { id, leaves, failure } of changed.values()) {
    documents.push(leaves);
    if (failure) failures.push({ id, error: failure });
  }
  const leaves = inOrder(documents);
  const attachments = await attachmentsOf(loading, partition, leaves);
  const pieces = inPieces(leaves);
  return {
    partition,
    index: leaves.length === 0 ? undefined : indexOf(partition, leaves, pieces, attachments),
    attachments,
    documents: pieces,
    failures,
  };
};

/** What the last backup has, when all of it is there. */
const unchangedPartition = async (loading: Loading, partition: Partition): Promise<Loaded | undefined> => {
  const index = loading.plan.base?.partitions.get(partition);
  if (!index) return undefined;
  const attachments: LoadedAttachment[] = [];
  for (const file of index.attachments) {
    const from = await previousFile(loading, `${attachmentsFolder(partition)}/${file}`);
    if (!from) return undefined;
    attachments.push({ file, from });
  }
  const documents = await previousFile(loading, documentsPath(partition));
  return documents && { partition, index, attachments, documents, failures: [] };
};

const previousFile = async (
  { previous, database }: Loading,
  path: string,
): Promise<PreviousEntry | undefined> => {
  const entry = await previous?.entry(`${databasePath(database)}/${path}`);
  return entry?.type === 'file' ? entry : undefined;
};

/** Those of the last backup that did not change. */
const previousDocuments = async (
  loading: Loading,
  partition: Partition,
  changed: FetchGroup[number]['changed'],
): Promise<(readonly Leaf[])[]> => {
  if (!loading.plan.base?.partitions.has(partition)) return [];
  const path = documentsPath(partition);
  const file = await previousFile(loading, path);
  if (!file)
    throw new HoldfastError('REPOSITORY_DAMAGED', `the last snapshot lacks ${path} of ${loading.database}`, {
      hint: 'check the repository; forget that snapshot, and the next backup reads everything',
    });
  const documents: Leaf[][] = [];
  for await (const line of splitLines(file.content())) {
    const leaf = leafAt(line, 0);
    if (changed.has(leaf.id)) continue;
    const last = documents.at(-1);
    if (last?.[0]?.id === leaf.id) last.push(leaf);
    else documents.push([leaf]);
  }
  return documents;
};

/** Each attachment once, by digest, in the order of the files' names. */
const attachmentsOf = async (
  loading: Loading,
  partition: Partition,
  leaves: readonly Leaf[],
): Promise<LoadedAttachment[]> => {
  const places = new Map<string, AttachmentPlace>();
  for (const { id, rev, attachments } of leaves)
    for (const attachment of attachments)
      places.set(attachmentFile(attachment), { database: loading.database, id, rev, attachment });
  const files = [...places.keys()].sort();
  const loaded: LoadedAttachment[] = [];
  for (const file of files) {
    // Where it lies names its digest and length: whatever became of the database, it is the same.
    const before = await previousFile(loading, `${attachmentsFolder(partition)}/${file}`);
    loaded.push({ file, from: before ?? (places.get(file) as AttachmentPlace) });
  }
  return loaded;
};

const pieceBytes = 256 * 1024;

const inPieces = (leaves: readonly Leaf[]): Uint8Array[] => {
  const pieces: Uint8Array[] = [];
  let [first, bytes] = [0, 0];
  for (const [at, { start, end }] of leaves.entries()) {
    bytes += end - start;
    if (bytes < pieceBytes && at < leaves.length - 1) continue;
    pieces.push(linesOf(leaves.slice(first, at + 1)));
    [first, bytes] = [at + 1, 0];
  }
  return pieces;
};

const indexOf = (
  partition: Partition,
  leaves: readonly Leaf[],
  pieces: readonly Uint8Array[],
  attachments: readonly LoadedAttachment[],
): PartitionIndex => {
  const counter = createRowCounter('lines');
  for (const piece of pieces) counter.update(piece);
  const winners = leaves.filter(({ id }, at) => leaves[at - 1]?.id !== id);
  const [sample] = winners;
  const deleted = winners.filter((leaf) => leaf.deleted).length;
  return {
    partition,
    documents: winners.length - deleted,
    deleted,
    ...counter.finish(),
    sample: [sample?.id ?? '', sample?.rev ?? ''],
    attachments: attachments.map(({ file }) => file),
  };
};

export const fileMeta = (dump: Dump, size?: number): EntryMeta => ({
  mode: 0o600,
  mtime: dump.startedAt,
  ...(size !== undefined && { size }),
});
