// Saves what is whole of packs in which something is damaged: it goes into new packs, and the damaged ones go.
import { throwIfCancelled } from '#lib/clock.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { RepairedPack, RepairOptions, RepairPacksReport } from '../contract.ts';
import type { BlobType } from '../packs/blob.ts';
import { loadBlobIndex } from '../packs/blob-index.ts';
import { type IndexedPack, loadIndex } from '../packs/index-file.ts';
import { listPacks, type StoredPack } from '../packs/list-packs.ts';
import { refuseIfMisjudged } from '../packs/misjudged-packs.ts';
import { areSameEntries } from '../packs/pack-format.ts';
import { readPack } from '../packs/stock.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import { loadBlob } from '../reading/load-blob.ts';
import { listIds, unlessDamaged } from '../sealing/unpacked.ts';
import type { Session } from '../session.ts';
import { BlobWriter } from '../writing/blob-writer.ts';
import { removePacks } from './prune.ts';

/** See Repository.repairPacks. New packs are listed before damaged ones go. */
export const repairPacks = async (
  session: Session,
  reader: BlobReader,
  options: RepairOptions,
): Promise<RepairPacksReport> => {
  const { packIds } = session.blobs;
  const there = await packsThere(session);
  const damaged = await findDamaged(session, reader, there, options);
  if (damaged.length === 0) return { packs: packIds.length, damaged: [] };
  await refuseIfMisjudged(session, reader, storedOf(damaged, there), listedAmong(damaged)).catch(
    (error: unknown) => {
      throw hasCode(error, 'STORE_UNREACHABLE') ? nothingRemoved(error) : error;
    },
  );
  const blobs = await loadBlobIndex(session);
  const gone = packIds.filter((id) => !there.has(id)); // nor does one that is gone hold anything
  blobs.forget(new Set([...gone, ...damaged.map(({ id }) => id)]));
  const writer = new BlobWriter({ ...session, blobs }, options.dryRun ?? false);
  const repaired: RepairedPack[] = [];
  try {
    for (const pack of damaged) repaired.push(await saveBlobs(session, reader, writer, pack));
    if (!options.dryRun) await writer.finish();
  } finally {
    await writer.close();
  }
  throwIfCancelled(session.signal);
  if (!options.dryRun) await removePacks(session, new Set(), damaged);
  return { packs: packIds.length, damaged: repaired };
};

const packsThere = async ({ store }: Session): Promise<ReadonlyMap<string, StoredPack>> =>
  new Map(await Array.fromAsync(listPacks(store), (pack) => [pack.id, pack] as const));

const storedOf = (
  packs: readonly IndexedPack[],
  there: ReadonlyMap<string, StoredPack>,
): readonly StoredPack[] => packs.flatMap(({ id }) => there.get(id) ?? []);

const listedAmong = (packs: readonly IndexedPack[]): ((pack: IndexedPack) => boolean) => {
  const listed = new Map(packs.map(({ id, entries }) => [id, entries]));
  return ({ id, entries }) => areSameEntries(entries, listed.get(id) ?? []);
};

/**
 * Those that are there and not whole; of those that are gone, the index is to be repaired. One that no index lists may be what a repair
 * that was stopped had still to remove: the next backup would list it and count on what is damaged in it.
 */
const findDamaged = async (
  session: Session,
  reader: BlobReader,
  there: ReadonlyMap<string, StoredPack>,
  options: RepairOptions,
): Promise<IndexedPack[]> => {
  const { store, sealer, blobs } = session;
  const unread = new Map(there);
  const packs = async function* (): AsyncGenerator<IndexedPack> {
    for (const id of await listIds(store, 'index'))
      for (const pack of await loadIndex(store, sealer, id)) if (unread.delete(pack.id)) yield pack;
    for (const stored of unread.values()) {
      const pack = await readPack(session, stored);
      if (!pack) continue;
      blobs.reserve(pack.entries.length);
      blobs.add(pack);
      yield pack;
    }
  };
  const check = async (pack: IndexedPack) => ({ pack, ...(await reader.checkPack(pack)) });
  const damaged: IndexedPack[] = [];
  let [bytes, items] = [0, 0];
  for await (const checked of mapOrdered(packs(), 4, check)) {
    throwIfCancelled(session.signal);
    bytes += checked.bytes;
    items += 1;
    options.onProgress?.({ phase: 'read packs', bytes, items });
    if (checked.problems.length > 0) damaged.push(checked.pack);
  }
  return damaged;
};

/** What no other pack holds and can still be opened goes to the writer. Throws when a blob cannot be read and may yet be whole. */
const saveBlobs = async (
  session: Session,
  reader: BlobReader,
  writer: BlobWriter,
  { id, entries }: IndexedPack,
): Promise<RepairedPack> => {
  const lost: string[] = [];
  for (const type of ['data', 'tree'] as const) {
    const ids = entries.filter((entry) => entry.type === type).map((entry) => entry.id);
    for (const [blob, fetched] of await reader.fetch(ids, type)) {
      const bytes = fetched instanceof Error ? await readAgain(session, blob, type, fetched) : fetched;
      if (!bytes) {
        lost.push(blob);
        continue;
      }
      for (let wait = writer.busy(); wait; wait = writer.busy()) await wait;
      if (type === 'data') await writer.add(bytes, () => {});
      else writer.addTree([{ kind: 'json', bytes }], () => {});
    }
  }
  return { id, saved: entries.length - lost.length, lost };
};

/**
 * What the reader calls damaged may be whole on a disk that does not give it: a bad sector, or a server that did not answer in time, which
 * a soft mount of NFS calls an error of the disk. Asked of the store itself, which tells these apart, it is undefined when it is lost.
 */
const readAgain = async (
  session: Session,
  id: string,
  type: BlobType,
  error: HoldfastError,
): Promise<Uint8Array | undefined> => {
  try {
    if (error.code !== 'REPOSITORY_DAMAGED') throw error;
    return await unlessDamaged(loadBlob(session, id, type));
  } catch (cause) {
    throw cause instanceof HoldfastError ? nothingRemoved(cause) : cause;
  }
};

const nothingRemoved = (cause: HoldfastError): HoldfastError =>
  new HoldfastError(cause.code, `nothing was removed: ${cause.message}`, {
    cause,
    hint: 'what cannot be read now may be whole: try again once it can; from a disk with bad sectors copy the repository to another one with `ddrescue`, and repair it there',
  });
