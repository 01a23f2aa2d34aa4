import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib';
import { randomData, sqlData } from '../chunker/testing.ts';
import {
  compress,
  decompress,
  decompressUnknown,
  discardLarge,
  hashDecompressed,
  spareBytes,
} from './compression.ts';
import { keptContext } from './zstd-context.ts';

const inputs = [
  new Uint8Array(0),
  new Uint8Array(1),
  Buffer.alloc(100_000, 'a'),
  ...[63, 64, 65, 16_384, 16_385, 131_071, 131_072, 3_000_000].flatMap((size) => [
    randomData(size, size),
    sqlData(size, size),
  ]),
];

test('what is compressed comes back, at every level and size', () => {
  for (const plain of inputs)
    for (const level of [1, 2, 3, 9]) {
      const frame = compress(plain, level);
      assert.ok(Buffer.from(plain).equals(decompress(frame, plain.length)), `${plain.length} at ${level}`);
      assert.ok(Buffer.from(plain).equals(decompressUnknown(frame)));
    }
});

test('a frame says how long its content is, which other readers want to know beforehand', () => {
  for (const plain of inputs) {
    const descriptor = compress(plain, 2)[4] as number; // RFC 8878, 3.1.1.1.1: after the magic number
    assert.ok(
      descriptor >> 6 !== 0 || (descriptor & 0x20) !== 0,
      `${plain.length} bytes without a content size`,
    );
  }
});

test('a frame of another length, a cut one and noise are errors, not data', () => {
  const frame = compress(sqlData(10_000, 1), 2);
  for (const length of [0, 9_999, 10_001, 20_000]) assert.throws(() => decompress(frame, length));
  assert.throws(() => decompress(frame.subarray(0, -1), 10_000));
  assert.throws(() => decompress(randomData(1000, 2), 10_000));
  assert.throws(() => decompress(new Uint8Array(0), 10_000));
  assert.throws(() => decompressUnknown(frame.subarray(0, -1)));
});

test('a frame whose content is all there but not its end is an error, and the next one is not', () => {
  const plain = sqlData(10_000, 5);
  const frame = zstdCompressSync(plain, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  assert.throws(() => decompress(frame.subarray(0, -4), plain.length));
  assert.deepEqual(new Uint8Array(decompress(frame, plain.length)), new Uint8Array(plain));
});

test('this Node lets zstd keep its context from one blob to the next', () => {
  const context = keptContext(createZstdCompress());
  assert.ok(context);
  const output = new Uint8Array(1000);
  const length = context.into(Buffer.from('first'), output);
  assert.deepEqual([...decompressUnknown(output.subarray(0, length))], [...Buffer.from('first')]);
  assert.throws(() => context.into(randomData(2000, 3), output), /does not fit/);
});

test('content goes where it is wanted, and no further than it may', () => {
  const plain = sqlData(10_000, 4);
  const output = new Uint8Array(20_000);
  assert.equal(decompress(compress(plain, 2), plain.length, output).buffer, output.buffer);
  assert.deepEqual(output.subarray(0, plain.length), new Uint8Array(plain));
  assert.deepEqual(
    output.subarray(plain.length + spareBytes),
    new Uint8Array(20_000 - plain.length - spareBytes),
  );
  assert.throws(() => decompress(compress(plain, 2), 5_000, output));
});

test('content is hashed without being in memory as a whole', () => {
  for (const size of [0, 10_000, 9 * 1024 * 1024, 10 * 1024 * 1024, 20_000_001]) {
    const plain = sqlData(size, 6);
    const frame = new Uint8Array(compress(plain, 2));
    assert.equal(hashDecompressed([frame], size), hash('sha256', plain, 'hex'), `${size} bytes`);
    if (size === 0) continue;
    assert.throws(() => hashDecompressed([frame], size + 1), `${size} bytes, one more wanted`);
    assert.throws(() => hashDecompressed([frame.subarray(0, -1)], size), `${size} bytes, cut short`);
  }
});

test('the memory of a large frame is given back, and that of a small one used again', () => {
  const large = compress(randomData(10 * 1024 * 1024, 7), 2);
  discardLarge(large);
  assert.equal(large.length, 0);
  const small = compress(sqlData(10_000, 8), 2);
  discardLarge(small);
  assert.ok(small.length > 0);
});
