// Directories that are as they were keep their tree blobs; whatever changed, the root is the one a fresh backup would have.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Random, seededRandom } from '#lib/random.ts';
import type { Entry, EntryMeta } from '#sources/source.ts';
import { memoryEntries, testRepository } from '../testing.ts';
import { isSameNode } from './same-node.ts';
import { decodeTree, encodeTree, type TreeNode } from './tree.ts';
import { joined } from './tree-parts.ts';

type Tree = Record<string, Partial<Entry>>;

const fileOf = (text: string, meta: EntryMeta): Partial<Entry> => ({
  meta: { size: text.length, ...meta },
  content: () => [Buffer.from(text)],
});

/** 40 files and symlinks in nested directories, all of whose metadata is known. */
const treeOf = (random: Random): Tree => {
  const tree: Tree = {};
  for (let at = 0; at < 40; at += 1) {
    const folders = Array.from({ length: random.integer(0, 4) }, () => `d${random.integer(0, 3)}`);
    for (const depth of folders.keys())
      tree[`${folders.slice(0, depth + 1).join('/')}/`] = { meta: folderMeta };
    tree[[...folders, `f${at}`].join('/')] =
      at % 9 === 0
        ? { type: 'symlink', meta: { ...fileMeta, linkTarget: `t${at}` } }
        : fileOf(`${at}`, fileMeta);
  }
  return tree;
};
const times = { mtime: 1_700_000_000_123_456_789n, ctime: 1_700_000_001n * 1_000_000_000n };
const folderMeta: EntryMeta = { ...times, mode: 0o755, uid: 1, gid: 2, user: 'ada', inode: 9n, deviceId: 3n };
const fileMeta: EntryMeta = { ...folderMeta, mode: 0o640, links: 1 };

/** One thing becomes another: added, removed, rewritten, or described otherwise. */
const mutate = (tree: Tree, random: Random): void => {
  const names = Object.keys(tree);
  const name = random.pick(names);
  const entry = tree[name] as Partial<Entry>;
  switch (random.integer(0, 4)) {
    case 0:
      for (const below of names) if (below === name || below.startsWith(name)) delete tree[below];
      break;
    case 1:
      tree[name] = { ...entry, meta: { ...entry.meta, mode: 0o600 } };
      break;
    case 2:
      if (entry.content) tree[name] = fileOf(`other ${random.integer(0, 9)}`, fileMeta);
      break;
    default:
      tree[`new${random.integer(0, 9)}`] = fileOf('new', fileMeta);
  }
};

suite('the next snapshot has the root of a fresh one', () => {
  for (const seed of [1, 2])
    test(`whatever was changed (seed ${seed})`, async () => {
      const random = seededRandom(seed);
      const repository = await testRepository();
      const tree = treeOf(random);
      let { snapshot: parent } = await repository.write(memoryEntries(tree));
      for (let round = 0; round < 4; round += 1) {
        const before = { ...tree };
        for (let change = 0; change < round; change += 1) mutate(tree, random);
        const now = Object.entries(tree).map(([name, entry]) => [
          name,
          entry.content && entry === before[name] ? { ...entry, unchanged: true } : entry,
        ]);
        const next = await repository.write(memoryEntries(Object.fromEntries(now)), { parent: parent! });
        const fresh = await repository.write(memoryEntries(tree));
        assert.equal(next.snapshot?.tree, fresh.snapshot?.tree);
        if (round === 0) assert.equal(next.summary.dirsChanged + next.summary.treeBlobs, 0);
        parent = next.snapshot;
      }
      assert.deepEqual((await repository.check()).problems, []);
    });
});

suite('a node is the same as before', () => {
  const node: TreeNode = { name: 'a', type: 'file', meta: fileMeta, content: ['ab'.repeat(32)] };
  const before = (given: TreeNode): TreeNode => decodeTree(joined(encodeTree([given])), '')[0] as TreeNode;

  test('when it would be encoded as that was', () => {
    for (const same of [node, { ...node, meta: {} }, { ...node, meta: { ...fileMeta, user: '' } }])
      assert.ok(isSameNode(before(same), same));
  });

  const parts: Readonly<Record<string, Partial<TreeNode>>> = {
    'its name': { name: 'b' },
    'its type': { type: 'fifo' },
    'its content': { content: [] },
    'its subtree': { subtree: 'cd'.repeat(32) },
  };
  const metas: Readonly<Record<keyof EntryMeta, EntryMeta>> = {
    mode: { mode: 0o641 },
    mtime: { mtime: 1n },
    atime: { atime: 1n },
    ctime: { ctime: 1n },
    uid: { uid: 7 },
    gid: { gid: 7 },
    user: { user: 'eve' },
    group: { group: 'eve' },
    inode: { inode: 7n },
    deviceId: { deviceId: 7n },
    device: { device: 7n },
    size: { size: 7 },
    links: { links: 7 },
    linkTarget: { linkTarget: 'x' },
    xattrs: { xattrs: [{ name: 'user.a', value: Buffer.from('x') }] },
  };
  const others = Object.entries(metas).map(
    ([what, meta]) => [what, { meta: { ...fileMeta, ...meta } }] as const,
  );
  for (const [what, other] of [...Object.entries(parts), ...others])
    test(`not when ${what} is another`, () => {
      assert.ok(!isSameNode(before(node), { ...node, ...other }));
      assert.ok(!isSameNode(before({ ...node, ...other }), node));
    });
});
