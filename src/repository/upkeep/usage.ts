// How much room snapshots take: what restoring them would write, and what is stored for all of them together.

import { type HoldfastError, hasCode } from '#lib/errors.ts';
import type { Snapshot, UsageOptions, UsageReport } from '../contract.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import { asFile, folderOf } from '../rows/layers.ts';
import type { Session } from '../session.ts';
import { isLayered } from '../trees/tree.ts';
import { visitTrees } from '../trees/visit-trees.ts';

/** A tree's own files, and the directories in it. */
interface Folder {
  readonly files: number;
  readonly bytes: number;
  readonly folders: readonly string[];
  /** The trees of files in layers, which are counted as files. */
  readonly layered: readonly string[];
  readonly error?: HoldfastError;
}

interface Amount {
  readonly files: number;
  readonly bytes: number;
  /** Why a part cannot be read. */
  readonly error?: HoldfastError;
}

/** See Repository.usage. */
export const usageOf = async (
  session: Session,
  reader: BlobReader,
  snapshots: readonly Snapshot[],
  options: UsageOptions,
): Promise<UsageReport> => {
  const { table } = session.blobs;
  const used = new Uint8Array(table.count);
  const mark = (id: string, type: 'data' | 'tree'): void => {
    const number = table.numberOf(id, type);
    if (number >= 0) used[number] = 1;
  };
  const folders = new Map<string, Folder>();
  const roots = snapshots.map(({ tree }) => tree);
  for await (const { id, nodes, error, visited } of visitTrees(reader, roots, options.signal)) {
    if (error) {
      if (!options.onDamaged || !hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      folders.set(id, { ...emptyFolder, error });
      continue;
    }
    mark(id, 'tree');
    for (const { content = [] } of nodes) for (const blob of content) mark(blob, 'data');
    const files = nodes.filter((node) => asFile(node).type === 'file');
    folders.set(id, {
      files: files.length,
      bytes: files.reduce((sum, { meta }) => sum + (meta.size ?? 0), 0),
      folders: nodes.flatMap((node) => folderOf(node) ?? []),
      layered: nodes.flatMap((node) => (isLayered(node) ? (node.subtree ?? []) : [])),
    });
    options.onProgress?.({ phase: 'count', items: visited, bytes: 0 });
  }
  const amounts = new Map<string, Amount>();
  const each = roots.map((root) => amountBelow(root, folders, amounts));
  for (const [at, snapshot] of snapshots.entries()) {
    const error = each[at]?.error;
    if (error) options.onDamaged?.(snapshot, error);
  }
  const { files, bytes } = sumOf(each);
  return {
    files,
    bytes,
    snapshots: snapshots.length,
    ...storedFor(session, used),
    ...(await packsOf(session)),
  };
};

/** Innermost folders first: a stranger's may lie in each other deeper than calls can. */
const amountBelow = (
  root: string,
  folders: ReadonlyMap<string, Folder>,
  known: Map<string, Amount>,
): Amount => {
  const waiting = [root];
  for (let id = waiting.at(-1); id !== undefined; id = waiting.at(-1)) {
    const own = folders.get(id) ?? emptyFolder;
    const unknown = known.has(id) ? [] : own.folders.filter((folder) => !known.has(folder));
    if (unknown.length === 0) {
      waiting.pop();
      const damaged = own.layered.flatMap((tree) => folders.get(tree)?.error ?? []);
      const below = own.folders.map((folder) => known.get(folder) ?? nothing);
      known.set(id, sumOf([own, ...below, ...damaged.map((error) => ({ ...nothing, error }))]));
    } else for (const folder of unknown) waiting.push(folder);
  }
  return known.get(root) ?? nothing;
};

const emptyFolder: Folder = { files: 0, bytes: 0, folders: [], layered: [] };

const nothing: Amount = { files: 0, bytes: 0 };

const sumOf = (amounts: readonly Amount[]): Amount =>
  amounts.reduce(
    (sum, { files, bytes, error = sum.error }) => ({
      files: sum.files + files,
      bytes: sum.bytes + bytes,
      ...(error && { error }),
    }),
    nothing,
  );

const storedFor = (
  { blobs: { table } }: Session,
  used: Uint8Array,
): Pick<UsageReport, 'blobs' | 'bytesPlain' | 'bytesStored'> => {
  let [blobs, bytesPlain, bytesStored] = [0, 0, 0];
  for (const [number, isUsed] of used.entries()) {
    const place = isUsed ? table.placeAt(number) : undefined;
    if (!place) continue;
    const { length, plainLength } = place;
    blobs += 1;
    bytesStored += length;
    bytesPlain += plainLength > 0 ? plainLength : length - sealBytes;
  }
  return { blobs, bytesPlain, bytesStored };
};

/** What sealing adds to a blob that is not compressed. */
const sealBytes = 32;

const packsOf = async ({ store }: Session): Promise<Pick<UsageReport, 'packs' | 'bytesOfPacks'>> => {
  let [packs, bytesOfPacks] = [0, 0];
  for await (const { size } of store.list('data/')) {
    packs += 1;
    bytesOfPacks += size;
  }
  return { packs, bytesOfPacks };
};
