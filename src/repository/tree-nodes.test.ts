import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { decodeTree, encodeNode, encodeTree, type TreeNode } from './tree.ts';
import { eachNode } from './tree-nodes.ts';

const blob = 'ab'.repeat(32);

/** One node after the other, however small the tree. */
const singly = (tree: Uint8Array): TreeNode[] => [...eachNode(tree, blob, 0)];

const oddTree = (): Buffer => {
  const random = seededRandom('odd trees');
  const pieces = [
    '"',
    '\\',
    '\\\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    'ü',
    '漢',
    '\n',
    '"content":["',
    '\u0001',
    'x',
  ];
  const nodes = Array.from({ length: 300 }, (_, index) =>
    encodeNode({
      name: `${index} ${Array.from({ length: 8 }, () => random.pick(pieces)).join('')}`,
      type: index % 3 === 0 ? 'dir' : 'file',
      meta: { size: index, inode: 2n ** 63n + BigInt(index) },
      ...(index % 3 === 0 ? { subtree: blob } : { content: Array.from({ length: index % 7 }, () => blob) }),
    }),
  );
  return encodeTree(nodes);
};

test('one after the other, nodes are what they are all at once', () => {
  const tree = oddTree();
  const nodes = decodeTree(tree, blob);
  assert.equal(nodes.length, 300);
  assert.deepEqual(singly(tree), nodes);
});

test('a tree that begins in another way, or is empty, is read as well', () => {
  for (const json of ['{"nodes":null}', '{"nodes":[]}', '{ "nodes": [ ] }\n', '{}'])
    assert.deepEqual(singly(Buffer.from(json)), [], json);
  const spaced = Buffer.from(JSON.stringify(JSON.parse(oddTree().toString()), null, 2));
  assert.equal(singly(spaced).length, 300);
});

test('a tree that is cut or changed is damaged, and never shorter', () => {
  const tree = encodeTree([
    encodeNode({ name: 'a"\\', type: 'file', meta: {}, content: [blob] }),
    encodeNode({ name: 'b', type: 'dir', meta: {}, subtree: blob }),
  ]);
  const whole = tree.length - 1; // the newline at the end may be missing
  for (let length = 0; length < whole; length += 1)
    assert.throws(() => singly(tree.subarray(0, length)), { code: 'REPOSITORY_DAMAGED' }, `${length} bytes`);
  for (const [what, instead] of [
    ['{"nodes":[', '{"nodes":[1,'],
    ['},{', '}{'],
    ['},{', '}]}{'],
    ['},{', '},,{'],
    [']}\n', ',]}\n'],
    [']}\n', ']}}\n'],
    ['"dir"', '"door"'],
  ] as const)
    assert.throws(
      () => singly(Buffer.from(tree.toString().replace(what, instead))),
      { code: 'REPOSITORY_DAMAGED' },
      instead,
    );
});
