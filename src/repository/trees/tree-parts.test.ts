// Trees on their way into a pack: in whatever parts, they are the JSON that a small tree would be.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { suite, test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { PackBuilder } from '../packs/pack-builder.ts';
import { decodeHeader } from '../packs/pack-format.ts';
import { decompress } from '../sealing/compression.ts';
import { newMasterKey } from '../sealing/key.ts';
import { Sealer } from '../sealing/seal.ts';
import { encodeNode, encodeTree, type TreeNode } from './tree.ts';
import { joined, lengthOf, piecesOf, treeId } from './tree-parts.ts';

const random = seededRandom('tree parts');
const tables = (...blobs: number[]): TreeNode[] =>
  blobs.map((count, at) => ({
    name: `orders${at}`,
    type: 'file',
    meta: {},
    content: Array.from({ length: count }, () => hash('sha256', `${random.next()}`)),
  }));

suite('a tree in parts', () => {
  for (const blobs of [[], [1], [1024], [1025], [8191, 2], [8192, 8193], [16_384, 3, 16_385], [40_000]])
    test(`of files with ${blobs.join(', ') || 'no'} blobs is what its nodes are`, () => {
      const nodes = tables(...blobs);
      const json = Buffer.from(`{"nodes":[${nodes.map(encodeNode).join(',')}]}\n`);
      const parts = encodeTree(nodes);
      assert.ok(joined(parts).equals(json));
      assert.equal(lengthOf(parts), json.length);
      assert.equal(treeId(parts), hash('sha256', json));
      assert.ok(parts.length === 1 || json.length > 1024 * 1024);
      for (const piece of piecesOf(parts)) assert.ok(piece.length <= 1024 * 1024);
    });

  test('is in its pack what it would be as a whole', () => {
    const sealer = new Sealer(newMasterKey());
    const builder = new PackBuilder({ sealer, type: 'tree', level: 3, verify: true });
    const parts = encodeTree(tables(150_000, 5));
    assert.ok(parts.length > 1);
    builder.addPieces(treeId(parts), piecesOf(parts), lengthOf(parts));
    const { header, bytes } = builder.finish();
    const { id, offset, length, plainLength } = decodeHeader(header)[0]!;
    const opened = sealer.open(bytes.subarray(offset, offset + length), id);
    assert.ok(Buffer.compare(decompress(opened, plainLength), joined(parts)) === 0);
  });
});
