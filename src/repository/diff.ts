// What differs between two snapshots. Directories that are the same tree are passed over unread.
import { throwIfCancelled } from '#lib/clock.ts';
import { areSameIds } from './blob-ids.ts';
import type { Difference, DiffOptions, Snapshot } from './contract.ts';
import { loadNodes } from './load-blob.ts';
import type { Session } from './session.ts';
import { compareNames, encodeNode, type TreeNode } from './tree.ts';

/** See Repository.diff. */
export async function* diffSnapshots(
  session: Session,
  before: Snapshot,
  after: Snapshot,
  options: DiffOptions,
): AsyncGenerator<Difference> {
  yield* diffTrees(session, before.tree, after.tree, '', options);
}

async function* diffTrees(
  session: Session,
  before: string | undefined,
  after: string | undefined,
  folder: string,
  options: DiffOptions,
): AsyncGenerator<Difference> {
  if (before === after) return;
  throwIfCancelled(options.signal);
  const [old, young] = await Promise.all([nodesOf(session, before), nodesOf(session, after)]);
  for (const [one, other] of merged(old, young)) {
    const name = one?.name ?? other?.name ?? '';
    const path = folder === '' ? name : `${folder}/${name}`;
    const change = changeOf(one, other, options);
    if (change) yield { path, change, ...(one && { before: one }), ...(other && { after: other }) };
    yield* diffTrees(session, one?.subtree, other?.subtree, path, options);
  }
}

const nodesOf = async (session: Session, tree: string | undefined): Promise<TreeNode[]> =>
  tree === undefined ? [] : await loadNodes(session, tree);

/** Nodes of the same name side by side; both lists are in the order of their names' bytes. */
function* merged(
  old: readonly TreeNode[],
  young: readonly TreeNode[],
): Generator<readonly [TreeNode | undefined, TreeNode | undefined]> {
  let [left, right] = [0, 0];
  while (left < old.length || right < young.length) {
    const [one, other] = [old[left], young[right]];
    const order = one && other ? compareNames(one.name, other.name) : one ? -1 : 1;
    if (order <= 0) left += 1;
    if (order >= 0) right += 1;
    yield [order <= 0 ? one : undefined, order >= 0 ? other : undefined];
  }
}

const changeOf = (
  one: TreeNode | undefined,
  other: TreeNode | undefined,
  { metadata }: DiffOptions,
): Difference['change'] | undefined => {
  if (!one) return 'added';
  if (!other) return 'removed';
  if (one.type !== other.type) return 'type';
  if (!isSameContent(one, other)) return 'content';
  const plain = (node: TreeNode): string =>
    encodeNode({ ...node, ...(node.content && { content: [] }), ...(node.subtree && { subtree: '' }) });
  return metadata && plain(one) !== plain(other) ? 'metadata' : undefined;
};

/** The same content has the same blobs, unless it was cut in another way: then it counts as changed. */
const isSameContent = (one: TreeNode, other: TreeNode): boolean =>
  one.meta.linkTarget === other.meta.linkTarget && areSameIds(one.content ?? [], other.content ?? []);
