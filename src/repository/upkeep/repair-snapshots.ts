// Saves what is whole of snapshots that lost blobs: files that cannot be restored are left out, and named.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { RepairOptions, RepairSnapshotReport } from '../contract.ts';
import { listPacks } from '../packs/list-packs.ts';
import { refuseIfMisjudged } from '../packs/misjudged-packs.ts';
import { takeStock } from '../packs/stock.ts';
import { BlobReader } from '../reading/blob-reader.ts';
import { loadNodes } from '../reading/load-blob.ts';
import { idsOf, type LayerList, layersAmong, nodesOf } from '../rows/layers.ts';
import { listIds, unlessDamaged } from '../sealing/unpacked.ts';
import type { Session } from '../session.ts';
import { loadSnapshot, saveSnapshot } from '../snapshot.ts';
import { encodeTree, isLayered, type TreeNode } from '../trees/tree.ts';
import { BlobWriter } from '../writing/blob-writer.ts';

/** A tree as it can be kept: its id (the old one when nothing is lost below it), or nothing when it cannot be read. */
interface Kept {
  readonly id: string | undefined;
  /** Paths below the tree that are lost. */
  readonly lost: readonly string[];
  readonly isEmpty: boolean;
}

const nothing: Kept = { id: undefined, lost: [], isEmpty: true };

/** See Repository.repairSnapshots. The repaired snapshot is stored before the broken one goes. */
export const repairSnapshots = async (
  session: Session,
  options: RepairOptions,
): Promise<RepairSnapshotReport[]> => {
  const { store, sealer } = session;
  const reports: RepairSnapshotReport[] = [];
  const unlisted = await takeStock(session); // what an index that was lost had listed is not lost
  const writer = new BlobWriter(session, options.dryRun ?? false);
  const trees = new Map<string, Kept>();
  try {
    for (const pack of unlisted)
      if (options.dryRun) session.blobs.add(pack);
      else writer.adopt(pack);
    for (const id of await listIds(store, 'snapshots')) {
      throwIfCancelled(session.signal);
      const snapshot = await unlessDamaged(loadSnapshot(store, sealer, id));
      const kept = snapshot ? await keepTree(session, writer, trees, snapshot.tree) : nothing;
      options.onProgress?.({ phase: 'repair', bytes: 0, items: trees.size, current: shortId(id) });
      if (snapshot && kept.lost.length === 0 && kept.id === snapshot.tree) continue;
      const tree = kept.isEmpty ? undefined : kept.id; // a folder that only led to what is lost is nothing that is left
      const lost = tree === undefined ? ['/'] : kept.lost.map((path) => `/${path}`);
      const report = { id, ...(snapshot && { snapshot }), lost };
      if (reports.length === 0) await refuseIfNotLost(session);
      reports.push(options.dryRun ? report : await replace(session, writer, report, tree));
    }
    if (!options.dryRun) await writer.finish();
  } finally {
    await writer.close();
  }
  return reports;
};

/** What a pack holds that the index has otherwise only seems to be lost. */
const refuseIfNotLost = async (session: Session): Promise<void> => {
  const { blobs, store } = session;
  const packs = await Array.fromAsync(listPacks(store));
  const listed = packs.filter(({ id }) => blobs.packSize(id) !== undefined);
  await using reader = new BlobReader(session);
  await refuseIfMisjudged(session, reader, listed, ({ entries }) =>
    entries.every(({ id, type }) => blobs.has(id, type)),
  );
};

const replace = async (
  session: Session,
  writer: BlobWriter,
  report: RepairSnapshotReport,
  tree: string | undefined,
): Promise<RepairSnapshotReport> => {
  const { store, sealer } = session;
  const { id, snapshot } = report;
  await writer.finish();
  await session.lock?.refuseIfLost(); // else somebody may have stored meanwhile what only seems to be lost
  const tags = [...new Set([...(snapshot?.tags ?? []), 'partial', 'repaired'])];
  const replacement =
    snapshot &&
    tree !== undefined &&
    (await saveSnapshot(store, sealer, { ...snapshot, tree, tags, original: snapshot.original ?? id }));
  await store.delete(`snapshots/${id}`);
  return { ...report, ...(replacement && { replacement }) };
};

const keepTree = async (
  session: Session,
  writer: BlobWriter,
  trees: Map<string, Kept>,
  id: string,
): Promise<Kept> => {
  const known = trees.get(id);
  if (known) return known;
  const kept = await keepNodes(session, writer, trees, id);
  trees.set(id, kept);
  return kept;
};

const keepNodes = async (
  session: Session,
  writer: BlobWriter,
  trees: Map<string, Kept>,
  id: string,
): Promise<Kept> => {
  throwIfCancelled(session.signal);
  const nodes = await unlessDamaged(loadListed(session, id));
  if (!nodes) return nothing;
  const lost: string[] = [];
  const kept: TreeNode[] = [];
  for (const node of nodes) {
    if (isLayered(node)) {
      if (await hasAllLayers(session, node)) kept.push(node);
      else lost.push(node.name);
    } else if (node.type === 'dir') {
      const below: Kept = node.subtree ? await keepTree(session, writer, trees, node.subtree) : nothing;
      if (below.id === undefined) lost.push(node.name);
      else kept.push({ ...node, subtree: below.id });
      for (const path of below.lost) lost.push(`${node.name}/${path}`);
    } else if (node.content?.every((blob) => session.blobs.has(blob, 'data')) ?? true) kept.push(node);
    else lost.push(node.name);
  }
  const isEmpty = kept.length === 0;
  return { id: lost.length === 0 ? id : await storeTree(writer, kept), lost, isEmpty };
};

/** Without one of its layers a file is another. */
const hasAllLayers = async (session: Session, node: TreeNode): Promise<boolean> => {
  const load = async (): Promise<LayerList> =>
    layersAmong(node, node.subtree ? await loadListed(session, node.subtree) : []);
  const layers = await unlessDamaged(load());
  return layers !== undefined && idsOf(nodesOf(layers)).every((id) => session.blobs.has(id, 'data'));
};

/** What lies in a pack that the store has just listed whole and now denies having is not lost: some stores say that when a part of them is away. */
const loadListed = (session: Session, id: string): Promise<TreeNode[]> =>
  loadNodes(session, id).catch((error: unknown) => {
    if (!(error instanceof HoldfastError) || !hasCode(error.cause, 'OBJECT_MISSING')) throw error;
    throw new HoldfastError('STORE_UNREACHABLE', `${error.cause.message}, which it listed a moment ago`, {
      cause: error,
      hint: 'check the storage, and try again once it gives what it lists',
    });
  });

const storeTree = (writer: BlobWriter, nodes: readonly TreeNode[]): Promise<string> =>
  new Promise((resolve, reject) => {
    writer.addTree(encodeTree(nodes), resolve);
    writer.settled().catch(reject);
  });
