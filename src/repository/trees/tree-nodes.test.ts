import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { suite, test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { PackedIds } from '../packs/blob-ids.ts';
import { compress } from '../sealing/compression.ts';
import { decodeTree, encodeNode, encodeTree, type TreeNode } from './tree.ts';
import { eachNode, readTree } from './tree-nodes.ts';
import { joined } from './tree-parts.ts';

const blob = 'ab'.repeat(32);

/** One node after the other, however small the tree. */
const singly = (tree: Uint8Array): TreeNode[] => [...eachNode(tree, blob, tree.length, 0)];

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
  const nodes = Array.from(
    { length: 300 },
    (_, index): TreeNode => ({
      name: `${index} ${Array.from({ length: 8 }, () => random.pick(pieces)).join('')}`,
      type: index % 3 === 0 ? 'dir' : 'file',
      meta: { size: index, inode: 2n ** 63n + BigInt(index) },
      ...(index % 3 === 0 ? { subtree: blob } : { content: Array.from({ length: index % 7 }, () => blob) }),
    }),
  );
  return joined(encodeTree(nodes));
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
  const tree = joined(
    encodeTree([
      { name: 'a"\\', type: 'file', meta: {}, content: [blob] },
      { name: 'b', type: 'dir', meta: {}, subtree: blob },
    ]),
  );
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

suite('a file with many blobs', () => {
  const random = seededRandom('many blobs');
  const ids = Array.from({ length: 2000 }, () => hash('sha256', `${random.next()}`));
  const node: TreeNode = { name: 'orders', type: 'file', meta: { size: 7 }, content: ids };
  const tree = joined(encodeTree([{ ...node, name: 'a', content: [blob] }, node, { ...node, name: 'z' }]));

  test('is written as any other, and its ids are packed when it is read', () => {
    const json = JSON.parse(tree.toString()) as { nodes: { content: string[] }[] };
    assert.deepEqual(
      json.nodes.map(({ content }) => content),
      [[blob], ids, ids],
    );
    assert.equal(tree.toString(), `{"nodes":${JSON.stringify(json.nodes)}}\n`);
    const [small, ...large] = singly(tree);
    assert.ok(Array.isArray(small?.content));
    for (const { content } of large) {
      assert.ok(content instanceof PackedIds);
      assert.deepEqual([...content], ids);
    }
    assert.deepEqual(joined(encodeTree(singly(tree))), tree);
    assert.equal(encodeNode(singly(tree)[1]!), encodeNode(node));
  });

  test('has the content that its JSON has, however it is written', () => {
    const list = JSON.stringify(ids);
    for (const fields of [
      `"content":[],"content":${list}`,
      `"content":${list},"content":["${blob}"]`,
      `"future":{"content":${list}},"content":["${blob}"]`,
      `"content":["${blob}"],"future":{"content":${list}}`,
      `"content":[\n${list.slice(1)}`,
      `"user":",\\"content\\":[\\"${blob}\\"]","content":${list}`,
      `"content":${list},"subtree":"${blob}","user":"ü"`,
    ]) {
      const written = Buffer.from(`{"nodes":[{"name":"x","type":"file",${fields}}]}\n`);
      const [all, one] = [decodeTree(written, blob), singly(written)];
      const plain = one.map(({ content, ...rest }) => ({ ...rest, content: [...(content ?? [])] }));
      assert.deepEqual(
        plain,
        all.map(({ content, ...rest }) => ({ ...rest, content })),
        fields.slice(0, 40),
      );
    }
  });

  test('with an id that is none is damaged', () => {
    for (const wrong of ['AB'.repeat(32), 'ab', 'xy'.repeat(32)])
      assert.throws(
        () => singly(Buffer.from(tree.toString().replace(ids[1500]!, wrong))),
        { code: 'REPOSITORY_DAMAGED' },
        wrong,
      );
  });
});

test('a folder that a stranger packed so small that it fills the memory is damaged, and one of a camera is not', () => {
  const tooMuch = { code: 'REPOSITORY_DAMAGED', message: /a larger folder than any program packs so small$/ };
  const fifos = Buffer.from(
    `{"nodes":[${'{"name":"a","type":"fifo"},'.repeat(200_000)}{"name":"z","type":"fifo"}]}`,
  );
  assert.throws(() => readTree(fifos, blob, 1000), tooMuch);
  const bulk = `{"name":"a","type":"file","content":["${blob}"],"generic_attributes":{"x":[${'[],'.repeat(12e6)}[]]}}`;
  for (const list of [`{"nodes":[${bulk}]}`, `{"nodes" :[${bulk}]}`])
    assert.throws(() => readTree(Buffer.from(list), blob, 1000), tooMuch);
  const pictures = Array.from({ length: 200_000 }, (_, number) => ({
    name: `a-picture-of-the-camera-${String(number).padStart(8, '0')}.jpg`,
    type: 'file' as const,
    meta: { user: 'administrator', group: 'administrators' },
    content: [],
  }));
  const tree = joined(encodeTree(pictures));
  assert.equal(readTree(tree, blob, compress(tree, 9).length).length, pictures.length);
});
