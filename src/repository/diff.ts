// What differs between two snapshots. Directories that are the same tree are passed over unread.
import { throwIfCancelled } from '#lib/clock.ts';
import type { Difference, DiffOptions, Snapshot } from './contract.ts';
import { areSameIds } from './packs/blob-ids.ts';
import { loadNodes } from './reading/load-blob.ts';
import { asFile, folderOf } from './rows/layers.ts';
import type { Session } from './session.ts';
import { compareNames, encodeNode, isLayered, type TreeNode } from './trees/tree.ts';

/** Two folders that are compared, and what of them is still to be looked at. */
interface Level {
  readonly folder: string;
  readonly pairs: Iterator<NodePair, void>;
}

type NodePair = readonly [TreeNode | undefined, TreeNode | undefined];

/** See Repository.diff. */
export async function* diffSnapshots(
  session: Session,
  before: Snapshot,
  after: Snapshot,
  options: DiffOptions,
): AsyncGenerator<Difference> {
  const levels: Level[] = [];
  const enter = async (old: string | undefined, young: string | undefined, folder: string): Promise<void> => {
    if (old === young) return;
    throwIfCancelled(options.signal);
    const nodes = await Promise.all([nodesOf(session, old), nodesOf(session, young)]);
    levels.push({ folder, pairs: merged(...nodes) });
  };
  await enter(before.tree, after.tree, '');
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const pair = level.pairs.next().value;
    if (!pair) {
      levels.pop();
      continue;
    }
    const [one, other] = pair;
    const name = one?.name ?? other?.name ?? '';
    const path = level.folder === '' ? name : `${level.folder}/${name}`;
    const change = changeOf(one, other, options);
    if (change)
      yield { path, change, ...(one && { before: asFile(one) }), ...(other && { after: asFile(other) }) };
    await enter(folderOf(one), folderOf(other), path);
  }
}

const nodesOf = async (session: Session, tree: string | undefined): Promise<TreeNode[]> =>
  tree === undefined ? [] : await loadNodes(session, tree);

/** Nodes of the same name side by side; both lists are in the order of their names' bytes. */
function* merged(old: readonly TreeNode[], young: readonly TreeNode[]): Generator<NodePair, void> {
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
  if (asFile(one).type !== asFile(other).type) return 'type';
  if (!isSameContent(one, other)) return 'content';
  const plain = (node: TreeNode): string =>
    encodeNode({ ...node, ...(node.content && { content: [] }), ...(node.subtree && { subtree: '' }) });
  return metadata && plain(one) !== plain(other) ? 'metadata' : undefined;
};

/** The same content has the same blobs, unless it was cut in another way: then it counts as changed. */
const isSameContent = (one: TreeNode, other: TreeNode): boolean =>
  one.meta.linkTarget === other.meta.linkTarget &&
  (isLayered(one) || isLayered(other)
    ? one.subtree === other.subtree
    : areSameIds(one.content ?? [], other.content ?? []));
