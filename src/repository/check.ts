// Is the repository whole? Structure always; the packs' bytes as far as asked.
import { randomInt } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import { hasCode, messageOf } from '#lib/errors.ts';
import { isId, packKey } from './blob.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import type { CheckOptions, CheckReport, Snapshot } from './contract.ts';
import { type IndexedPack, loadIndex } from './index-file.ts';
import { checkKeys } from './key.ts';
import { packBytes } from './pack-format.ts';
import type { OpenStore, Session } from './session.ts';
import { loadSnapshot } from './snapshot.ts';
import { listIds } from './unpacked.ts';
import { visitTrees } from './visit-trees.ts';

interface Findings {
  readonly problems: string[];
  readonly notes: string[];
}

/** See Repository.check. Snapshots are listed before the index is read, so that a backup that ends meanwhile does no harm. */
export const checkRepository = async (open: OpenStore, options: CheckOptions): Promise<CheckReport> => {
  const found: Findings = { problems: [], notes: [] };
  found.problems.push(...(await checkKeys(open.store)));
  const snapshots = await loadEach(await listIds(open.store, 'snapshots'), open, found, (id) =>
    loadSnapshot(open.store, open.sealer, id),
  );
  const packs = await loadPacks(open, found);
  const blobs = new BlobIndex(0);
  for (const pack of packs.values()) {
    blobs.reserve(pack.entries.length);
    blobs.add(pack);
  }
  await checkPackSizes(open, packs, found);
  const session: Session = { ...open, blobs };
  await using reader = new BlobReader(session);
  await checkTrees(session, reader, snapshots, found, options);
  const bytesRead = options.readData ? await readPacks(reader, packs, found, options) : 0;
  return { packs: packs.size, blobs: blobs.table.count, snapshots: snapshots.length, bytesRead, ...found };
};

const loadEach = async <Loaded>(
  ids: readonly string[],
  open: OpenStore,
  found: Findings,
  load: (id: string) => Promise<Loaded>,
): Promise<Loaded[]> => {
  const loaded: Loaded[] = [];
  const attempt = (id: string): Promise<Loaded | undefined> =>
    load(id).catch((error: unknown) => {
      found.problems.push(messageOf(error));
      return undefined;
    });
  for await (const one of mapOrdered(ids, open.store.connections, attempt))
    if (one !== undefined) loaded.push(one);
  return loaded;
};

const loadPacks = async (open: OpenStore, found: Findings): Promise<Map<string, IndexedPack>> => {
  const packs = new Map<string, IndexedPack>();
  const indexes = await loadEach(await listIds(open.store, 'index'), open, found, (id) =>
    loadIndex(open.store, open.sealer, id),
  );
  for (const pack of indexes.flat()) {
    if (packs.has(pack.id)) found.notes.push(`pack ${pack.id} stands in more than one index`);
    else packs.set(pack.id, pack);
  }
  return packs;
};

const checkPackSizes = async (
  open: OpenStore,
  packs: ReadonlyMap<string, IndexedPack>,
  found: Findings,
): Promise<void> => {
  const missing = new Map(packs);
  for await (const { key, size } of open.store.list('data/')) {
    const id = key.slice(key.lastIndexOf('/') + 1);
    const pack = packs.get(id);
    missing.delete(id);
    if (!pack) {
      if (isId(id))
        found.notes.push(
          `pack ${id} is in no index: left by a run that did not end; the next backup uses it`,
        );
      else found.notes.push(`${key} is not a pack`);
    } else if (size !== packBytes(pack.entries))
      found.problems.push(`${key} has ${size} bytes; its index says ${packBytes(pack.entries)}`);
    else found.problems.push(...layoutProblems(pack));
  }
  for (const id of missing.keys()) found.problems.push(`${packKey(id)} is missing`);
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
  const roots = snapshots.map(({ tree }) => tree);
  for await (const { nodes, error, visited } of visitTrees(reader, roots, options.signal)) {
    if (error) found.problems.push(messageOf(error));
    for (const { content = [] } of nodes)
      for (const blob of content) if (!session.blobs.has(blob, 'data')) missing.add(blob);
    options.onProgress?.({ phase: 'check trees', items: visited, bytes: 0 });
  }
  for (const blob of missing)
    found.problems.push(`data blob ${blob} is used by a snapshot and is in no index`);
};

/** Reads a share of the packs (all for 1), chosen anew at random each time. */
const readPacks = async (
  reader: BlobReader,
  packs: ReadonlyMap<string, IndexedPack>,
  found: Findings,
  options: CheckOptions,
): Promise<number> => {
  const chosen = sample([...packs.values()], options.readData ?? 1);
  const totalBytes = chosen.reduce((sum, pack) => sum + packBytes(pack.entries), 0);
  let bytes = 0;
  let items = 0;
  const checkPack = (pack: IndexedPack): ReturnType<BlobReader['checkPack']> =>
    reader.checkPack(pack).catch((error: unknown) => {
      if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      return { bytes: 0, problems: [error.message] };
    });
  for await (const checked of mapOrdered(chosen, 4, checkPack)) {
    throwIfCancelled(options.signal);
    bytes += checked.bytes;
    items += 1;
    found.problems.push(...checked.problems);
    options.onProgress?.({ phase: 'check data', bytes, totalBytes, items, totalItems: chosen.length });
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
