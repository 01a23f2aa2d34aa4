// A snapshot's entries in order, from its trees.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { ListedEntry, ReadOptions, Snapshot } from '../contract.ts';
import { loadNodes } from '../reading/load-blob.ts';
import { asFile, folderOf } from '../rows/layers.ts';
import type { Session } from '../session.ts';
import { EarlierNodes } from './previous.ts';
import { isLayered, type TreeNode } from './tree.ts';

interface Level {
  readonly path: string;
  readonly nodes: readonly TreeNode[];
  next: number;
}

/** Depth first, names in byte order; a directory before what is in it. Nothing is loaded for what `include` leaves out. */
export async function* walkSnapshot(
  session: Session,
  snapshot: Snapshot,
  options: ReadOptions,
): AsyncGenerator<ListedEntry> {
  const trees = treeLoader(session);
  const start = await startOf(session, snapshot, options);
  const relative = relativeTo(options.root);
  const wanted = (path: string, node: TreeNode): boolean =>
    options.include?.(path, asFile(node).type) ?? true;
  const levels: Level[] = [];
  if (start.node) {
    const path = relative(start.path);
    if (path !== undefined) {
      if (!wanted(path, start.node)) return;
      yield listed(path, start.node);
    }
    if (asFile(start.node).type !== 'dir') return;
  }
  const top = start.node ?? { subtree: snapshot.tree };
  levels.push({ path: start.path, nodes: await nodesBelow(trees, top, start.path), next: 0 });
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    throwIfCancelled(options.signal);
    const node = level.nodes[level.next++];
    if (!node) {
      levels.pop();
      continue;
    }
    const full = level.path === '' ? node.name : `${level.path}/${node.name}`;
    const path = relative(full);
    if (path !== undefined) {
      if (!wanted(path, node)) continue;
      yield listed(path, node);
    }
    if (asFile(node).type !== 'dir') continue;
    trees.expect(level.nodes, level.next);
    try {
      levels.push({ path: full, nodes: await nodesBelow(trees, node, full), next: 0 });
    } catch (error) {
      if (!options.onDamaged || !hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      options.onDamaged(path ?? full, error);
    }
  }
}

const nodesBelow = (
  trees: ReturnType<typeof treeLoader>,
  { subtree }: Pick<TreeNode, 'subtree'>,
  path: string,
): Promise<TreeNode[]> => {
  if (subtree) return trees.load(subtree);
  throw new HoldfastError('REPOSITORY_DAMAGED', `the directory ${path} has no tree in the snapshot`);
};

const startOf = async (
  session: Session,
  snapshot: Snapshot,
  { path, root }: ReadOptions,
): Promise<{ path: string; node?: TreeNode }> => {
  const start = (path ?? root ?? '').replace(/^\/+|\/+$/g, '');
  if (start === '') return { path: '' };
  const node = await new EarlierNodes(session, snapshot.tree).find(start);
  if (node) return { path: start, node };
  throw new HoldfastError('PATH_UNKNOWN', `snapshot ${shortId(snapshot.id)} has no ${start}`, {
    hint: `list what it has with \`holdfast ls ${shortId(snapshot.id)}\``,
  });
};

/** Paths without their root folder; undefined for what lies outside it. */
const relativeTo =
  (root: string | undefined) =>
  (path: string): string | undefined => {
    if (root === undefined || root === '') return path;
    if (path === root) return '';
    return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
  };

const listed = (path: string, node: TreeNode): ListedEntry => {
  const { type, meta } = asFile(node);
  const { content, subtree } = node;
  if (isLayered(node)) return { path, type, meta, blobs: subtree ? [subtree] : [], inLayers: node };
  return { path, type, meta, blobs: content ?? [], ...(subtree && { subtree }) };
};

/** Loads trees, the next few of a directory ahead of time, so that a slow store is not asked one by one. */
const treeLoader = (session: Session) => {
  const ahead = new Map<string, Promise<TreeNode[]>>();
  return {
    /** Begins to load the directories that come next among these nodes. */
    expect(nodes: readonly TreeNode[], from: number): void {
      for (let at = from; at < nodes.length && at < from + session.store.connections; at += 1) {
        const id = folderOf(nodes[at]);
        if (!id || ahead.has(id) || ahead.size >= 64) continue;
        const loading = loadNodes(session, id);
        loading.catch(() => {}); // thrown when its turn comes
        ahead.set(id, loading);
      }
    },
    load(id: string): Promise<TreeNode[]> {
      const loading = ahead.get(id);
      ahead.delete(id);
      return loading ?? loadNodes(session, id);
    },
  };
};
