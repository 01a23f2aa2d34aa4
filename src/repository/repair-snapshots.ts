// Saves what is whole of snapshots that lost blobs: files that cannot be restored are left out, and named.
import { throwIfCancelled } from '#lib/clock.ts';
import { BlobWriter } from './blob-writer.ts';
import type { RepairOptions, RepairSnapshotReport, Snapshot } from './contract.ts';
import { loadBlob } from './load-blob.ts';
import type { Session } from './session.ts';
import { loadSnapshots, saveSnapshot } from './snapshot.ts';
import { encodeTree, type TreeNode } from './tree.ts';
import { readTree } from './tree-nodes.ts';

/** A tree as it can be kept: its id (the old one when nothing is lost below it), or nothing when it cannot be read. */
interface Kept {
  readonly id: string | undefined;
  /** Paths below the tree that are lost. */
  readonly lost: readonly string[];
}

/** See Repository.repairSnapshots. The repaired snapshot is stored before the broken one goes. */
export const repairSnapshots = async (
  session: Session,
  options: RepairOptions,
): Promise<RepairSnapshotReport[]> => {
  const { store, sealer } = session;
  const reports: RepairSnapshotReport[] = [];
  const writer = new BlobWriter(session, options.dryRun ?? false);
  const trees = new Map<string, Kept>();
  try {
    for (const snapshot of await loadSnapshots(store, sealer)) {
      throwIfCancelled(session.signal);
      const kept = await keepTree(session, writer, trees, snapshot.tree);
      options.onProgress?.({
        phase: 'repair',
        bytes: 0,
        items: trees.size,
        current: snapshot.id.slice(0, 8),
      });
      if (kept.lost.length === 0 && kept.id === snapshot.tree) continue;
      const lost = kept.id === undefined ? ['/'] : kept.lost.map((path) => `/${path}`);
      if (options.dryRun) reports.push({ snapshot, lost });
      else reports.push(await replace(session, writer, snapshot, kept.id, lost));
    }
  } finally {
    await writer.close();
  }
  return reports;
};

const replace = async (
  session: Session,
  writer: BlobWriter,
  snapshot: Snapshot,
  tree: string | undefined,
  lost: readonly string[],
): Promise<RepairSnapshotReport> => {
  const { store, sealer } = session;
  await writer.finish();
  if (tree === undefined) {
    await store.delete(`snapshots/${snapshot.id}`);
    return { snapshot, lost };
  }
  const { id, ...kept } = snapshot;
  const tags = [...new Set([...snapshot.tags, 'partial', 'repaired'])];
  const replacement = await saveSnapshot(store, sealer, {
    ...kept,
    tree,
    tags,
    original: snapshot.original ?? id,
  });
  await store.delete(`snapshots/${id}`);
  return { snapshot, replacement, lost };
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
  let nodes: TreeNode[];
  try {
    nodes = readTree(await loadBlob(session, id, 'tree'), id);
  } catch {
    return { id: undefined, lost: [] };
  }
  const lost: string[] = [];
  const kept: TreeNode[] = [];
  for (const node of nodes) {
    if (node.type === 'dir') {
      const below: Kept = node.subtree
        ? await keepTree(session, writer, trees, node.subtree)
        : { id: undefined, lost: [] };
      if (below.id === undefined) lost.push(node.name);
      else kept.push({ ...node, subtree: below.id });
      for (const path of below.lost) lost.push(`${node.name}/${path}`);
    } else if (node.content?.every((blob) => session.blobs.has(blob, 'data')) ?? true) kept.push(node);
    else lost.push(node.name);
  }
  return { id: lost.length === 0 ? id : await storeTree(writer, kept), lost };
};

const storeTree = (writer: BlobWriter, nodes: readonly TreeNode[]): Promise<string> =>
  new Promise((resolve, reject) => {
    writer.addTree(encodeTree(nodes), resolve);
    writer.settled().catch(reject);
  });
