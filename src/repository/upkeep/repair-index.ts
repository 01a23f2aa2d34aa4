// Rebuilds the index from what the packs say of themselves.
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit, mapOrdered } from '#lib/concurrency.ts';
import { hasCode } from '#lib/errors.ts';
import { nameSyncOf } from '#stores/store.ts';
import type { RepairIndexReport, RepairOptions } from '../contract.ts';
import { packKey } from '../packs/blob.ts';
import { BlobIndex } from '../packs/blob-index.ts';
import { type IndexedPack, loadIndex, saveIndex } from '../packs/index-file.ts';
import { listPacks, type StoredPack } from '../packs/list-packs.ts';
import { areSameEntries, packBytes, readHeader } from '../packs/pack-format.ts';
import { BlobReader } from '../reading/blob-reader.ts';
import { listIds, unlessDamaged } from '../sealing/unpacked.ts';
import type { OpenStore } from '../session.ts';

const indexBlobs = 50_000;

/** See Repository.repairIndex. New indexes are stored before old ones go. */
export const repairIndex = async (open: OpenStore, options: RepairOptions): Promise<RepairIndexReport> => {
  const { store, sealer } = open;
  const oldIds = await listIds(store, 'index');
  const listed = await loadListed(open, oldIds);
  const missing = new Set(listed.keys());
  const packs: IndexedPack[] = [];
  const added: string[] = [];
  const cut: string[] = [];
  const unreadable: string[] = [];
  await using reader = new BlobReader({ ...open, blobs: new BlobIndex(0) });
  // Of a header and an index that contradict each other the header is right when all that it lists can be opened.
  const isWhole = async (pack: IndexedPack): Promise<boolean> =>
    (await reader.checkPack(pack)).problems.length === 0;
  const read = async ({ id, size }: StoredPack): Promise<void> => {
    throwIfCancelled(open.signal);
    const known = listed.get(id);
    const fits = known !== undefined && packBytes(known.entries) === size;
    const key = packKey(id);
    const keep = (): void => {
      if (known) packs.push(known);
      if (!fits) (known ? cut : unreadable).push(id);
    };
    try {
      const entries = await readHeader(
        sealer,
        size,
        (offset, length) => store.get(key, { offset, length }),
        key,
      );
      const isListed = fits && areSameEntries(known.entries, entries);
      if (packBytes(entries) !== size || isListed || (fits && !(await isWhole({ id, entries })))) keep();
      else {
        packs.push({ id, entries });
        added.push(id);
      }
    } catch (error) {
      if (!hasCode(error, 'REPOSITORY_DAMAGED', 'OBJECT_MISSING')) throw error; // who may not read it must not call it lost
      keep();
    }
    options.onProgress?.({ phase: 'read packs', bytes: 0, items: packs.length });
  };
  const found = await Array.fromAsync(listPacks(store));
  for (const { id } of found) missing.delete(id);
  await forEachLimit(found, store.connections, read);
  const report = { packs: packs.length, added, missing: [...missing], cut, unreadable };
  const damaged = listed.damaged || added.length > 0 || missing.size > 0;
  if (options.dryRun || !damaged) return report;
  await open.lock?.refuseIfLost(); // else somebody may have pruned what it would list
  await nameSyncOf(store)?.syncNames(added.map(packKey));
  await saveInParts(open, packs);
  await forEachLimit(oldIds, store.connections, (id) => store.delete(`index/${id}`));
  return report;
};

/** What the readable indexes list; `damaged` when one of them could not be read, or two contradict each other. */
const loadListed = async (
  open: OpenStore,
  ids: readonly string[],
): Promise<Map<string, IndexedPack> & { damaged: boolean }> => {
  const listed = Object.assign(new Map<string, IndexedPack>(), { damaged: false });
  const load = (id: string): Promise<readonly IndexedPack[] | undefined> =>
    unlessDamaged(loadIndex(open.store, open.sealer, id));
  for await (const packs of mapOrdered(ids, open.store.connections, load)) {
    if (!packs) listed.damaged = true;
    for (const pack of packs ?? []) {
      const other = listed.get(pack.id);
      if (other && !areSameEntries(other.entries, pack.entries)) listed.damaged = true;
      listed.set(pack.id, pack);
    }
  }
  return listed;
};

const saveInParts = async (open: OpenStore, packs: readonly IndexedPack[]): Promise<void> => {
  let part: IndexedPack[] = [];
  let blobs = 0;
  for (const pack of packs) {
    part.push(pack);
    blobs += pack.entries.length;
    if (blobs < indexBlobs) continue;
    await saveIndex(open.store, open.sealer, part);
    part = [];
    blobs = 0;
  }
  if (part.length > 0) await saveIndex(open.store, open.sealer, part);
};
