// Snapshots as restic keeps them in snapshots/.
import { z } from 'zod';
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { dateToNanos } from '#lib/file-times.ts';
import type { Store } from '#stores/store.ts';
import type { Snapshot, SnapshotSummary } from './contract.ts';
import { isId } from './packs/blob.ts';
import type { Sealer } from './sealing/seal.ts';
import { listIds, loadUnpacked, saveUnpacked } from './sealing/unpacked.ts';
import { formatLocalTime, formatTime, parseTime, timeText } from './trees/time.ts';

const toDate = (text: string): Date => new Date(Number(parseTime(text) / 1_000_000n));
const time = timeText.transform(toDate);
const strings = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
// Go, in which restic is written, takes null for a field that is not there.
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);
const word = text.transform((value) => value ?? '');
const count = z.number().default(0);

const summaryFile = z.object({
  backup_start: time,
  backup_end: time,
  files_new: count,
  files_changed: count,
  files_unmodified: count,
  dirs_new: count,
  dirs_changed: count,
  dirs_unmodified: count,
  data_blobs: count,
  tree_blobs: count,
  data_added: count,
  data_added_packed: count,
  total_files_processed: count,
  total_bytes_processed: count,
});

const snapshotFile = z.looseObject({
  time: timeText.transform((localTime) => ({ time: toDate(localTime), localTime })),
  tree: z.string().refine(isId, 'is no id'),
  paths: strings,
  hostname: word,
  username: word,
  tags: strings,
  parent: text,
  original: text,
  program_version: text,
  summary: summaryFile.optional().catch(undefined), // without it the snapshot is whole all the same
});

/** Stores a snapshot and returns it with its id. */
export const saveSnapshot = async (
  store: Store,
  sealer: Sealer,
  snapshot: Omit<Snapshot, 'id'>,
): Promise<Snapshot> => {
  const localTime = snapshot.localTime ?? formatLocalTime(snapshot.time);
  const others = snapshot.others ?? { uid: process.getuid?.(), gid: process.getgid?.() };
  const complete = { ...snapshot, localTime, others };
  return { ...complete, id: await saveUnpacked(store, sealer, 'snapshots', encodeSnapshot(complete)) };
};

/**
 * Every snapshot of the store, oldest first. A damaged one is an error, or, with `onDamaged`, left out; and one that was
 * removed meanwhile is then no error either.
 */
export const loadSnapshots = async (
  store: Store,
  sealer: Sealer,
  onDamaged?: (error: HoldfastError) => void,
): Promise<Snapshot[]> => {
  const load = async (id: string): Promise<Snapshot | undefined> => {
    try {
      return await loadSnapshot(store, sealer, id);
    } catch (error) {
      if (!onDamaged || !hasCode(error, 'REPOSITORY_DAMAGED', 'OBJECT_MISSING')) throw error;
      if (error.code === 'REPOSITORY_DAMAGED') onDamaged(error);
      return undefined;
    }
  };
  const snapshots: Snapshot[] = [];
  const ids = await listIds(store, 'snapshots');
  for await (const snapshot of mapOrdered(ids, store.connections, load))
    if (snapshot) snapshots.push(snapshot);
  return snapshots.sort((a, b) => a.time.getTime() - b.time.getTime() || (a.id < b.id ? -1 : 1));
};

export const loadSnapshot = async (store: Store, sealer: Sealer, id: string): Promise<Snapshot> => {
  const file = snapshotFile.safeParse(await loadUnpacked(store, sealer, 'snapshots', id));
  if (!file.success)
    throw new HoldfastError(
      'REPOSITORY_DAMAGED',
      `snapshots/${id} is damaged: ${z.prettifyError(file.error)}`,
    );
  const { time, program_version: programVersion, summary, parent, original, ...rest } = file.data;
  const { tree, paths, hostname, username, tags, ...others } = rest;
  return {
    id,
    ...time,
    ...{ tree, paths, hostname, username, tags, others },
    ...(parent !== undefined && { parent }),
    ...(original !== undefined && { original }),
    ...(programVersion !== undefined && { programVersion }),
    ...(summary && { summary: decodeSummary(summary) }),
  };
};

/** Stores the snapshot with other tags, then removes the old one. */
export const retagSnapshot = async (
  store: Store,
  sealer: Sealer,
  { id, ...snapshot }: Snapshot,
  tags: readonly string[],
): Promise<Snapshot> => {
  const retagged = await saveSnapshot(store, sealer, {
    ...snapshot,
    tags,
    original: snapshot.original ?? id,
  });
  if (retagged.id !== id) await store.delete(`snapshots/${id}`);
  return retagged;
};

const encodeSnapshot = (snapshot: Omit<Snapshot, 'id'>): Record<string, unknown> => ({
  ...snapshot.others,
  time: snapshot.localTime,
  parent: snapshot.parent,
  tree: snapshot.tree,
  paths: snapshot.paths,
  hostname: snapshot.hostname,
  username: snapshot.username,
  tags: snapshot.tags,
  original: snapshot.original,
  program_version: snapshot.programVersion,
  summary: snapshot.summary && encodeSummary(snapshot.summary),
});

const encodeSummary = (summary: SnapshotSummary): Record<string, unknown> => ({
  backup_start: formatTime(dateToNanos(summary.backupStart)),
  backup_end: formatTime(dateToNanos(summary.backupEnd)),
  files_new: summary.filesNew,
  files_changed: summary.filesChanged,
  files_unmodified: summary.filesUnmodified,
  dirs_new: summary.dirsNew,
  dirs_changed: summary.dirsChanged,
  dirs_unmodified: summary.dirsUnmodified,
  data_blobs: summary.dataBlobs,
  tree_blobs: summary.treeBlobs,
  data_added: summary.dataAdded,
  data_added_packed: summary.dataAddedPacked,
  total_files_processed: summary.totalFilesProcessed,
  total_bytes_processed: summary.totalBytesProcessed,
});

const decodeSummary = (file: z.infer<typeof summaryFile>): SnapshotSummary => ({
  backupStart: file.backup_start,
  backupEnd: file.backup_end,
  filesNew: file.files_new,
  filesChanged: file.files_changed,
  filesUnmodified: file.files_unmodified,
  dirsNew: file.dirs_new,
  dirsChanged: file.dirs_changed,
  dirsUnmodified: file.dirs_unmodified,
  dataBlobs: file.data_blobs,
  treeBlobs: file.tree_blobs,
  dataAdded: file.data_added,
  dataAddedPacked: file.data_added_packed,
  totalFilesProcessed: file.total_files_processed,
  totalBytesProcessed: file.total_bytes_processed,
});
