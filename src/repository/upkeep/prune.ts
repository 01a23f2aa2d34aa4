// Removes what no snapshot uses. The order makes a crash at any moment harmless: new packs, then new indexes, then old
// indexes go, then old packs. Whoever prunes holds the exclusive lock, so nobody adds blobs meanwhile.
import { randomBytes } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { foldersOf, retentionOf, type Store } from '#stores/store.ts';
import type { PruneOptions, PruneReport } from '../contract.ts';
import { packKey } from '../packs/blob.ts';
import { type IndexedPack, loadIndex, saveIndex } from '../packs/index-file.ts';
import { listPacks, type StoredPack } from '../packs/list-packs.ts';
import { toRanges } from '../packs/ranges.ts';
import { BlobReader } from '../reading/blob-reader.ts';
import { discardLarge } from '../sealing/compression.ts';
import { listIds } from '../sealing/unpacked.ts';
import type { Session } from '../session.ts';
import { loadSnapshots } from '../snapshot.ts';
import { eachNode } from '../trees/tree-nodes.ts';
import { eachTree, subtreeOf } from '../trees/visit-trees.ts';
import { BlobWriter } from '../writing/blob-writer.ts';

/** An index file made here lists so many blobs at most, or one pack. */
const indexBlobs = 50_000;

/** So many packs go before the lock is looked at again. */
const packsAtOnce = 100;

/** A blob's line in a pack's header, and what a pack has beside blobs and lines. */
const headerLineBytes = 41;
const packFrameBytes = 36;

interface PackUse {
  readonly number: number;
  readonly id: string;
  readonly totalBytes: number;
  /** Sealed blobs that are used, and their lines in the header. */
  readonly usedBytes: number;
}

interface Plan {
  /** Packs that no index lists. */
  readonly unlisted: readonly PackUse[];
  /** Listed packs that hold nothing that is used. */
  readonly unused: readonly PackUse[];
  /** Packs whose used blobs are put into new ones. */
  readonly repack: readonly PackUse[];
  readonly keptBytes: number;
  readonly keptUnusedBytes: number;
}

/** See Repository.prune. */
export const pruneRepository = async (session: Session, options: PruneOptions): Promise<PruneReport> => {
  const there = await Array.fromAsync(listPacks(session.store));
  const lost = lostPacks(session, there);
  session.blobs.forget(lost);
  const used = await markUsed(session, options);
  const plan = makePlan(session, used, there, options);
  const gone = [...plan.unlisted, ...plan.unused, ...plan.repack];
  const movedBytes = sum(plan.repack, 'usedBytes');
  const report: PruneReport = {
    packsDeleted: gone.length,
    packsRepacked: plan.repack.length,
    bytesRepacked: movedBytes,
    bytesFreed: sum(gone, 'totalBytes') - movedBytes,
    bytesKept: plan.keptBytes + movedBytes,
    bytesUnusedKept: plan.keptUnusedBytes,
  };
  if (options.dryRun) return report;
  if (gone.length + lost.size > 0) {
    await refuseUnlessDeletes(session.store);
    const move = (): Promise<void> => repack(session, used, plan.repack, options);
    await move().catch(async (error: unknown) => {
      if (!hasCode(error, 'STORE_FULL')) throw error;
      await removePacks(session, lost, [...plan.unused, ...(await unlistedPacks(session))]); // which makes room
      await move();
    });
    throwIfCancelled(session.signal);
    await removePacks(session, lost, gone);
  }
  const leftovers = await removeLeftovers(session.store);
  await holdAnew(session, options);
  return { ...report, bytesFreed: report.bytesFreed + leftovers };
};

/** From the indexes first, with those that are lost. */
export const removePacks = async (
  session: Session,
  lost: ReadonlySet<string>,
  packs: readonly Pick<StoredPack, 'id'>[],
): Promise<void> => {
  await session.lock?.refuseIfLost(); // else somebody may use what nobody used
  await rewriteIndexes(session, new Set([...lost, ...packs.map(({ id }) => id)]));
  for (let at = 0; at < packs.length; at += packsAtOnce) {
    await session.lock?.refuseIfLost(); // else a backup may take for left behind, and list, what goes here
    await forEachLimit(packs.slice(at, at + packsAtOnce), session.store.connections, ({ id }) =>
      session.store.delete(packKey(id)),
    );
  }
};

/** Those of earlier runs, and what this one had copied when there was no more room. */
const unlistedPacks = async ({ store, blobs }: Session): Promise<StoredPack[]> => {
  const listed = new Set(blobs.packIds);
  return (await Array.fromAsync(listPacks(store))).filter(({ id }) => !listed.has(id));
};

/** A pack that is not there: where nothing may be deleted, this is refused too, before packs are copied that could not go. */
const refuseUnlessDeletes = (store: Store): Promise<void> =>
  store.delete(packKey(randomBytes(32).toString('hex'))).catch((cause: unknown) => {
    if (!hasCode(cause, 'STORE_DENIED')) throw cause;
    throw new HoldfastError('STORE_DENIED', `nothing was pruned: ${cause.message}`, {
      cause,
      hint: cause.hint,
    });
  });

/** What interrupted writes left: nobody writes while we have the lock. */
const removeLeftovers = async (store: Store): Promise<number> => {
  const folders = foldersOf(store);
  let bytes = 0;
  for (const prefix of ['data/', 'index/', 'snapshots/'])
    bytes += (await folders?.removeLeftovers(prefix)) ?? 0;
  return bytes;
};

/** Where objects are held against deletion for a while, that while begins anew for all that is still in use. */
const holdAnew = async (
  { store, signal }: Session,
  { onProgress }: Pick<PruneOptions, 'onProgress'>,
): Promise<void> => {
  const retention = retentionOf(store);
  if (!retention) return;
  let items = 0;
  await forEachLimit(objectsOf(store), store.connections, async (key) => {
    throwIfCancelled(signal);
    await retention.retain(key);
    items += 1;
    onProgress?.({ phase: 'hold', bytes: 0, items });
  });
};

async function* objectsOf(store: Store): AsyncGenerator<string> {
  for (const prefix of ['config', 'keys/', 'data/', 'index/', 'snapshots/'])
    for await (const { key } of store.list(prefix)) yield key;
}

/** Listed packs that are gone or cut; what is used of them must be in others, where a backup stored it again. */
const lostPacks = ({ blobs }: Session, there: readonly StoredPack[]): Set<string> => {
  const lost = new Set(blobs.packIds);
  for (const { id, size } of there) if (blobs.packSize(id) === size) lost.delete(id);
  return lost;
};

/** One byte an entry of the blob table: 1 where some snapshot uses the blob. Refuses to go on when any tree is missing or damaged. */
const markUsed = async (session: Session, options: PruneOptions): Promise<Uint8Array> => {
  const { table } = session.blobs;
  const used = new Uint8Array(table.count);
  let unknown: string | undefined;
  const mark = (id: string, type: 'data' | 'tree'): void => {
    const number = table.numberOf(id, type);
    if (number >= 0) used[number] = 1;
    else unknown ??= `${type} blob ${id} is used by a snapshot and is in no pack that is listed and whole`;
  };
  const without = options.dryRun ? options.without : undefined;
  const snapshots = await loadSnapshots(session.store, session.sealer).catch((error: unknown) => {
    throw hasCode(error, 'REPOSITORY_DAMAGED') ? refusal(error.message, error) : error;
  });
  const roots = snapshots.filter(({ id }) => !without?.has(id)).map(({ tree }) => tree);
  await using reader = new BlobReader(session);
  const read = (bytes: Uint8Array, id: string, storedBytes: number): string[] => {
    const subtrees: string[] = [];
    for (const node of eachNode(bytes, id, storedBytes)) {
      for (const blob of node.content ?? []) mark(blob, 'data');
      subtrees.push(...subtreeOf(node, id));
    }
    discardLarge(bytes);
    return subtrees;
  };
  for await (const { id, error, visited } of eachTree({ reader, roots, read, signal: session.signal })) {
    if (error) throw refusal(`tree ${id} cannot be read`, error);
    mark(id, 'tree');
    if (unknown !== undefined) throw refusal(unknown);
    options.onProgress?.({ phase: 'find used blobs', items: visited, bytes: 0 });
  }
  return used;
};

const refusal = (why: string, cause?: unknown): HoldfastError =>
  new HoldfastError('REPOSITORY_DAMAGED', `nothing was pruned: ${why}`, {
    cause,
    hint: 'run `holdfast check`; what is damaged must be repaired (`holdfast repair`) or forgotten first',
  });

const makePlan = (
  session: Session,
  used: Uint8Array,
  there: readonly StoredPack[],
  options: PruneOptions,
): Plan => {
  const { table, packIds } = session.blobs;
  const usedBytes = new Float64Array(packIds.length);
  for (let number = 0; number < used.length; number += 1) {
    const place = used[number] === 1 ? table.placeAt(number) : undefined;
    if (place) usedBytes[place.pack] = (usedBytes[place.pack] as number) + place.length + headerLineBytes;
  }
  const numbers = new Map(packIds.map((id, number) => [id, number]));
  const unlisted: PackUse[] = [];
  const unused: PackUse[] = [];
  const partly: PackUse[] = [];
  for (const { id, size } of there) {
    const number = numbers.get(id);
    const pack = { number: number ?? -1, id, totalBytes: size, usedBytes: usedBytes[number ?? -1] ?? 0 };
    if (number === undefined) unlisted.push(pack);
    else (pack.usedBytes === 0 ? unused : partly).push(pack);
  }
  return { unlisted, unused, ...chooseRepack(partly, options.maxUnused) };
};

/** Repacks the emptiest packs first, until what stays unused is within bounds. */
const chooseRepack = (
  packs: PackUse[],
  maxUnused: PruneOptions['maxUnused'],
): Pick<Plan, 'repack' | 'keptBytes' | 'keptUnusedBytes'> => {
  const unusedOf = ({ totalBytes, usedBytes }: PackUse): number =>
    Math.max(0, totalBytes - usedBytes - packFrameBytes);
  packs.sort((a, b) => b.usedBytes / b.totalBytes - a.usedBytes / a.totalBytes);
  let keptUnusedBytes = packs.reduce((total, pack) => total + unusedOf(pack), 0);
  let keptBytes = sum(packs, 'totalBytes');
  const bound =
    'bytes' in maxUnused
      ? maxUnused.bytes
      : (maxUnused.share / (1 - maxUnused.share)) * sum(packs, 'usedBytes');
  const repack: PackUse[] = [];
  while (keptUnusedBytes > bound) {
    const pack = packs.pop();
    if (!pack) break;
    keptUnusedBytes -= unusedOf(pack);
    keptBytes -= pack.totalBytes;
    repack.push(pack);
  }
  return { repack, keptBytes, keptUnusedBytes: keptUnusedBytes };
};

const repack = async (
  session: Session,
  used: Uint8Array,
  packs: readonly PackUse[],
  options: PruneOptions,
): Promise<void> => {
  if (packs.length === 0) return;
  const { table } = session.blobs;
  const chosen = new Map(packs.map((pack) => [pack.number, pack.id]));
  const moved: number[] = [];
  for (let number = 0; number < used.length; number += 1)
    if (used[number] === 1 && chosen.has(table.packAt(number))) moved.push(number);
  moved.sort((a, b) => table.packAt(a) - table.packAt(b));
  const writer = new BlobWriter(session, false);
  let bytes = 0;
  try {
    await forEachLimit(rangesOf(session, moved, chosen), 4, async (range) => {
      throwIfCancelled(session.signal);
      await writer.repack(range);
      bytes += range.length;
      options.onProgress?.({ phase: 'repack', bytes, totalBytes: sum(packs, 'usedBytes'), items: 0 });
    });
    await writer.finish();
  } finally {
    await writer.close();
  }
};

function* rangesOf(session: Session, moved: readonly number[], packs: ReadonlyMap<number, string>) {
  const { table } = session.blobs;
  for (let from = 0; from < moved.length; ) {
    const number = table.packAt(moved[from] as number);
    let to = from;
    while (to < moved.length && table.packAt(moved[to] as number) === number) to += 1;
    const pack = packs.get(number) as string;
    yield* toRanges(moved.slice(from, to).map((blob) => ({ ...table.entryAt(blob), pack })));
    from = to;
  }
}

/** Index files that list packs that go, or what another lists, are replaced by ones that do not; the others stay as they are. */
const rewriteIndexes = async (session: Session, gone: ReadonlySet<string>): Promise<void> => {
  const { store, sealer } = session;
  const old: string[] = [];
  const blobsOf = new Map<string, number>();
  let packs: IndexedPack[] = [];
  let blobs = 0;
  const save = async (): Promise<void> => {
    if (packs.length > 0) await saveIndex(store, sealer, packs);
    packs = [];
    blobs = 0;
  };
  for (const id of await listIds(store, 'index')) {
    const listed = await loadIndex(store, sealer, id);
    const wanted = listed.filter(
      (pack) => !gone.has(pack.id) && blobsOf.get(pack.id) !== pack.entries.length,
    );
    for (const pack of listed) blobsOf.set(pack.id, pack.entries.length);
    if (wanted.length === listed.length) continue;
    old.push(id);
    for (const pack of wanted) {
      packs.push(pack);
      blobs += pack.entries.length;
      if (blobs >= indexBlobs) await save();
    }
  }
  await save();
  await forEachLimit(old, store.connections, (id) => store.delete(`index/${id}`));
};

const sum = <Key extends string>(items: readonly Readonly<Record<Key, number>>[], key: Key): number =>
  items.reduce((total, item) => total + item[key], 0);
