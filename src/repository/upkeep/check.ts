// Is the repository whole? Structure always; the packs' bytes as far as asked.
import { randomInt } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import { hasCode, messageOf } from '#lib/errors.ts';
import type { CheckOptions, CheckReport, Snapshot } from '../contract.ts';
import { packIdOf, packKey } from '../packs/blob.ts';
import { BlobIndex } from '../packs/blob-index.ts';
import { fetchIndex, type IndexContent, type IndexedPack } from '../packs/index-file.ts';
import { packBytes } from '../packs/pack-format.ts';
import { BlobReader } from '../reading/blob-reader.ts';
import { LayerChecks } from '../rows/check-layers.ts';
import { lostLayers } from '../rows/layers.ts';
import { checkKeys } from '../sealing/key.ts';
import { listIds } from '../sealing/unpacked.ts';
import type { OpenStore, Session } from '../session.ts';
import { loadSnapshot } from '../snapshot.ts';
import { compareNames, type TreeNode } from '../trees/tree.ts';
import { visitTrees } from '../trees/visit-trees.ts';

interface Findings {
  readonly problems: string[];
  readonly notes: string[];
}

/** See Repository.check. Snapshots are listed before the index is read, so that a backup that ends meanwhile does no harm. */
export const checkRepository = async (open: OpenStore, options: CheckOptions): Promise<CheckReport> => {
  const found: Findings = { problems: [], notes: [] };
  found.problems.push(...(await checkKeys(open.store)));
  const { store, sealer } = open;
  const snapshots = await Array.fromAsync(
    loadEach(open, await listIds(store, 'snapshots'), found, (id) => loadSnapshot(store, sealer, id)),
  );
  const blobs = new BlobIndex(0);
  for await (const pack of listedPacks(open, found)) addPack(blobs, pack, found);
  await checkPackSizes(open, blobs, found);
  const session: Session = { ...open, blobs };
  await using reader = new BlobReader(session);
  await checkTrees(session, reader, snapshots, found, options);
  const bytesRead = options.readData ? await readPacks(session, reader, found, options) : 0;
  // One lost pack is met with each tree in it, and a pack in every index that lists it.
  const [problems, notes] = [[...new Set(found.problems)], [...new Set(found.notes)]];
  const counts = { packs: blobs.packIds.length, blobs: blobs.table.count, snapshots: snapshots.length };
  return { ...counts, bytesRead, problems, notes };
};

/** What can be loaded, in order; what is damaged is among the problems. */
async function* loadEach<Loaded>(
  { store }: OpenStore,
  ids: readonly string[],
  found: Findings,
  load: (id: string) => Promise<Loaded>,
): AsyncGenerator<Loaded> {
  const attempt = (id: string): Promise<Loaded | undefined> =>
    load(id).catch((error: unknown) => noteDamage(error, found));
  for await (const one of mapOrdered(ids, store.connections, attempt)) if (one !== undefined) yield one;
}

const noteDamage = (error: unknown, found: Findings): undefined => {
  if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
  found.problems.push(error.message);
};

/** All packs of all index files, one file open at a time. */
async function* listedPacks(open: OpenStore, found: Findings): AsyncGenerator<IndexedPack> {
  const { store, sealer } = open;
  const ids = await listIds(store, 'index');
  for await (const openFile of loadEach(open, ids, found, (id) => fetchIndex(store, sealer, id)))
    yield* packsOf(openFile, found);
}

const packsOf = (openFile: () => IndexContent, found: Findings): readonly IndexedPack[] => {
  try {
    return openFile().packs;
  } catch (error) {
    noteDamage(error, found);
    return [];
  }
};

const addPack = (blobs: BlobIndex, pack: IndexedPack, found: Findings): void => {
  const known = blobs.packSize(pack.id);
  if (known !== undefined) found.notes.push(`pack ${pack.id} stands in more than one index`);
  if (known !== undefined && known !== packBytes(pack.entries))
    found.problems.push(`${packKey(pack.id)}: two index files do not agree on what it holds`);
  found.problems.push(...layoutProblems(pack));
  blobs.reserve(pack.entries.length);
  blobs.add(pack);
};

const checkPackSizes = async (open: OpenStore, blobs: BlobIndex, found: Findings): Promise<void> => {
  const missing = new Set(blobs.packIds);
  for await (const { key, size } of open.store.list('data/')) {
    const id = packIdOf(key);
    if (id === undefined) {
      found.notes.push(`${key} is not a pack`);
      continue;
    }
    const expected = blobs.packSize(id);
    missing.delete(id);
    if (expected === undefined)
      found.notes.push(`pack ${id} is in no index: left by a run that did not end; the next backup uses it`);
    else if (expected !== size) found.problems.push(`${key} has ${size} bytes; its index says ${expected}`);
  }
  for (const id of missing) found.problems.push(`${packKey(id)} is missing`);
};

const layoutProblems = ({ id, entries }: IndexedPack): string[] => {
  let end = 0;
  for (const { offset, length } of [...entries].sort((a, b) => a.offset - b.offset)) {
    if (offset !== end) return [`${packKey(id)}: its index leaves a gap or an overlap at byte ${end}`];
    end += length;
  }
  return [];
};

/** Visits every tree of every snapshot once. */
const checkTrees = async (
  session: Session,
  reader: BlobReader,
  snapshots: readonly Snapshot[],
  found: Findings,
  options: CheckOptions,
): Promise<void> => {
  const missing = new Set<string>();
  const layers = new LayerChecks();
  const roots = snapshots.map(({ tree }) => tree);
  for await (const { id, nodes, error, visited } of visitTrees(reader, roots, options.signal)) {
    if (error) found.problems.push(messageOf(error));
    else
      for (const { file, tree } of layers.add(id, nodes))
        found.problems.push(`tree ${tree}: ${lostLayers(file.name)}`);
    if (!areInOrder(nodes))
      found.notes.push(
        `tree ${id}: its names are not in order: restores have all of it, but restic may not find some by name`,
      );
    for (const { content = [] } of nodes)
      for (const blob of content) if (!session.blobs.has(blob, 'data')) missing.add(blob);
    options.onProgress?.({ phase: 'check trees', items: visited, bytes: 0 });
  }
  for (const blob of missing)
    found.problems.push(`data blob ${blob} is used by a snapshot and is in no index`);
};

/** As every program writes them that is right; no name may stand twice. */
const areInOrder = (nodes: readonly TreeNode[]): boolean =>
  nodes.every(({ name }, at) => at === 0 || compareNames((nodes[at - 1] as TreeNode).name, name) < 0);

/** Reads a share of the packs (all for 1), chosen anew at random each time. */
const readPacks = async (
  session: Session,
  reader: BlobReader,
  found: Findings,
  options: CheckOptions,
): Promise<number> => {
  const chosen = new Set(sample([...session.blobs.packIds], options.readData ?? 1));
  const totalItems = chosen.size;
  let totalBytes = 0;
  for (const id of chosen) totalBytes += session.blobs.packSize(id) ?? 0;
  const toRead = async function* (): AsyncGenerator<IndexedPack> {
    const reported: Findings = { problems: [], notes: [] }; // by the first time the index was read
    for await (const pack of listedPacks(session, reported)) if (chosen.delete(pack.id)) yield pack;
  };
  const checkPack = (pack: IndexedPack): ReturnType<BlobReader['checkPack']> =>
    reader.checkPack(pack).catch((error: unknown) => {
      if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      return { bytes: 0, problems: [error.message] };
    });
  let bytes = 0;
  let items = 0;
  for await (const checked of mapOrdered(toRead(), 4, checkPack)) {
    throwIfCancelled(options.signal);
    bytes += checked.bytes;
    items += 1;
    found.problems.push(...checked.problems);
    options.onProgress?.({ phase: 'check data', bytes, totalBytes, items, totalItems });
  }
  return bytes;
};

const sample = <Item>(items: Item[], share: number): Item[] => {
  const count = Math.min(items.length, Math.ceil(items.length * share));
  for (let at = 0; at < count; at += 1) {
    const other = randomInt(at, items.length);
    [items[at], items[other]] = [items[other] as Item, items[at] as Item];
  }
  return items.slice(0, count);
};
