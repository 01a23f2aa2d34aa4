import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { randomData, sqlData } from '../chunker/testing.ts';
import { decompress, mostKeptBytes } from '../sealing/compression.ts';
import { newMasterKey } from '../sealing/key.ts';
import { overheadBytes, Sealer } from '../sealing/seal.ts';
import { PackBuilder } from './pack-builder.ts';
import { decodeHeader, packBytes, readHeader } from './pack-format.ts';

const sealer = new Sealer(newMasterKey());
const idOf = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');
const mebibyte = 1024 * 1024;

/** Fills a pack with the blobs and holds every one of them against what was given. */
const assertHolds = async (builder: PackBuilder, blobs: readonly Uint8Array[]): Promise<void> => {
  for (const blob of blobs)
    if (blob.length > mostKeptBytes)
      builder.addPieces(idOf(blob), [blob.subarray(0, 7), blob.subarray(7)], blob.length);
    else {
      const lent = Uint8Array.from(blob);
      builder.add(idOf(blob), lent);
      lent.fill(0xee);
    }
  const { id, header, bytes } = builder.finish();
  const entries = decodeHeader(header);
  const pack = Buffer.from(bytes);
  assert.equal(id, hash('sha256', pack, 'hex'));
  assert.equal(pack.length, packBytes(entries));
  const read = async (offset: number, length: number): Promise<Uint8Array> =>
    pack.subarray(offset, offset + length);
  assert.deepEqual(await readHeader(sealer, pack.length, read, 'the pack'), entries);
  for (const [at, blob] of blobs.entries()) {
    const { offset, length, plainLength, id: blobId } = entries[at]!;
    const opened = sealer.open(pack.subarray(offset, offset + length), blobId);
    const plain = plainLength > 0 ? decompress(opened, plainLength) : opened;
    assert.equal(idOf(plain), idOf(blob), `blob ${at}`);
    assert.equal(blobId, idOf(blob));
  }
};

test('a pack holds what was put into it, and the next one in the same memory as well', async () => {
  const builder = new PackBuilder({ sealer, type: 'data', level: 2, verify: true });
  assert.equal(builder.isEmpty, true);
  await assertHolds(builder, [sqlData(300_000, 1), randomData(200_000, 2), Buffer.of(7)]);
  assert.equal(builder.isEmpty, true);
  await assertHolds(builder, [randomData(10, 3)]);
  await assertHolds(builder, [sqlData(8 * mebibyte, 4), randomData(8 * mebibyte, 5), sqlData(mebibyte, 6)]);
});

test('small blobs that are sealed together stand among large ones in the order in which they came', async () => {
  const builder = new PackBuilder({ sealer, type: 'data', level: 2, verify: true });
  const blobs = [1, 5000, 16_384, 16_385, 0, 40, 12 * mebibyte, 8192, 300_000, 15 * mebibyte, 33].map(
    (length, at) => (at % 3 === 0 ? randomData(length, at) : sqlData(length, at)),
  );
  await assertHolds(builder, [...blobs, ...Array.from({ length: 300 }, (_, at) => sqlData(8192, at))]);
});

test('packs filled in any order by blobs of any size hold them, whatever becomes of the memory they came in', async () => {
  const random = seededRandom('packs');
  const edges = [0, 1, 15, 16, 17, 8192, 16_383, 16_384, 16_385, 65_536, 65_537];
  for (let round = 0; round < 12; round += 1) {
    const level = random.pick([undefined, 1, 3, 9]);
    const builder = new PackBuilder({ sealer, type: 'data', level, verify: random.chance(0.5) });
    const blobs = Array.from({ length: random.integer(1, 60) }, (_, at) => {
      const length = random.chance(0.5) ? random.pick(edges) : random.integer(0, 20_000);
      return random.chance(0.5) ? sqlData(length, at) : randomData(length, at);
    });
    await assertHolds(builder, blobs);
    await assertHolds(builder, blobs.toReversed());
  }
});

test('a blob larger than any pack fits, as a tree of a huge directory is one', async () => {
  const builder = new PackBuilder({ sealer, type: 'tree', level: undefined, verify: true });
  await assertHolds(builder, [randomData(1000, 1), randomData(40 * mebibyte, 2), randomData(1000, 3)]);
  await assertHolds(builder, [randomData(1000, 4)]);
});

test('what compression does not make smaller is stored as it is', () => {
  const builder = new PackBuilder({ sealer, type: 'data', level: 3, verify: false });
  const noise = randomData(100_000, 1);
  assert.equal(builder.add(idOf(noise), noise), noise.length + overheadBytes);
  const rows = sqlData(100_000, 1);
  assert.ok(builder.add(idOf(rows), rows) < rows.length / 2);
  assert.deepEqual(
    decodeHeader(builder.finish().header).map(({ plainLength }) => plainLength),
    [0, rows.length],
  );
});

test('a pack is full at 16 MiB, or when its header lists twenty thousand blobs', () => {
  const builder = new PackBuilder({ sealer, type: 'data', level: undefined, verify: false });
  const blob = randomData(4 * mebibyte, 1);
  for (let count = 0; count < 4; count += 1) {
    assert.equal(builder.isFull, false);
    builder.add(idOf(blob), blob);
  }
  assert.equal(builder.isFull, true);
  builder.finish();
  const small = Buffer.of(1);
  for (let count = 0; count < 20_000; count += 1) {
    assert.equal(builder.isFull, false);
    builder.add(idOf(small), small);
  }
  assert.equal(builder.isFull, true);
});

test('a blob that would not come back is noticed before its pack is stored', () => {
  const builder = new PackBuilder({ sealer, type: 'data', level: 2, verify: true });
  const blob = sqlData(10_000, 1);
  for (const other of [sqlData(100_000, 2), sqlData(10_000, 2)])
    assert.throws(() => {
      builder.add(idOf(blob), other);
      builder.finish();
    }, /could not be read back after it was sealed/);
  const large = sqlData(10 * mebibyte, 1);
  for (const [id, length] of [
    [idOf(blob), large.length],
    [idOf(large), large.length + 1],
  ] as const)
    assert.throws(() => builder.addPieces(id, [large], length), `${length} bytes of ${id}`);
});
