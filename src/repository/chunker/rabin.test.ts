import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rabinChunker, rabinMaxBytes, rabinMinBytes } from './rabin.ts';
import { chunkLengths, rabinOracle, randomData, seededRandom, sqlData } from './testing.ts';

const polynomial = 0x3da3358b4dc173n;
const mebibyte = 1024 * 1024;
const chunker = rabinChunker(polynomial);

const inputs: Record<string, Uint8Array> = {
  'nothing at all': new Uint8Array(0),
  'random bytes': randomData(24 * mebibyte, 1),
  'rows of SQL': sqlData(20 * mebibyte + 17, 2),
  'zeros, of which every window is a cut': new Uint8Array(3 * mebibyte + 5),
  'one byte repeated, in which there is no cut': Buffer.alloc(20 * mebibyte, 'a'),
  'zeros between random bytes': Buffer.concat([
    randomData(mebibyte, 3),
    new Uint8Array(mebibyte),
    randomData(mebibyte, 4),
  ]),
};
for (const size of [1, 63, rabinMinBytes - 1, rabinMinBytes, rabinMinBytes + 1, 2 * rabinMinBytes])
  inputs[`${size} random bytes`] = randomData(size, size);
for (const size of [rabinMaxBytes - 1, rabinMaxBytes, rabinMaxBytes + 1])
  inputs[`${size} equal bytes`] = Buffer.alloc(size, 7);

for (const [name, data] of Object.entries(inputs))
  test(`Rabin cuts as restic does: ${name}`, () => {
    const random = seededRandom(data.length);
    assert.deepEqual(
      chunkLengths(chunker, data, () => 1 + Math.floor(random() * 300_000)),
      rabinOracle(data, polynomial),
    );
  });

test('Rabin cuts do not depend on how the input is split', () => {
  const data = randomData(9 * mebibyte, 5);
  const whole = chunkLengths(chunker, data, () => data.length);
  assert.ok(whole.length > 3);
  for (const pieceBytes of [977, 65_536, 5_000_000])
    assert.deepEqual(
      chunkLengths(chunker, data, () => pieceBytes),
      whole,
    );
});

test('another polynomial cuts elsewhere, and its chunker does not disturb the first', () => {
  const data = randomData(6 * mebibyte, 6);
  const other = rabinChunker(0x2482734cacca49n);
  const before = chunkLengths(chunker, data, () => mebibyte);
  const elsewhere = chunkLengths(other, data, () => mebibyte);
  assert.deepEqual(elsewhere, rabinOracle(data, 0x2482734cacca49n));
  assert.notDeepEqual(elsewhere, before);
  assert.deepEqual(
    chunkLengths(chunker, data, () => mebibyte),
    before,
  );
});

test('a chunker that is reset in the middle of a stream forgets it', () => {
  const data = randomData(3 * mebibyte, 7);
  const expected = chunkLengths(chunker, data, () => 100_000);
  chunker.write(randomData(2 * mebibyte, 8));
  chunker.next();
  chunker.reset();
  assert.deepEqual(
    chunkLengths(chunker, data, () => 100_000),
    expected,
  );
});

test('a full chunker takes nothing until its chunks are taken, and then goes on', () => {
  const data = randomData(20 * mebibyte, 9);
  let taken = chunker.write(data);
  assert.ok(taken >= 16 * mebibyte && taken < data.length);
  assert.equal(chunker.write(data.subarray(taken)), 0);
  const lengths: number[] = [];
  const drain = (): void => {
    for (let chunk = chunker.next(); chunk; chunk = chunker.next()) lengths.push(chunk.length);
  };
  drain();
  taken += chunker.write(data.subarray(taken));
  assert.equal(taken, data.length);
  chunker.end();
  drain();
  assert.deepEqual(lengths, rabinOracle(data, polynomial));
});

test('writing after the end is refused until the rest was taken', () => {
  chunker.write(new Uint8Array(10));
  chunker.end();
  assert.throws(() => chunker.write(new Uint8Array(1)), { code: 'FAILED' });
  assert.equal(chunker.next()?.length, 10);
  assert.equal(chunker.next(), undefined);
  assert.equal(chunker.write(new Uint8Array(1)), 1);
  chunker.reset();
});

test('a polynomial of another degree is refused', () => {
  assert.throws(() => rabinChunker(0b111n), RangeError);
  assert.throws(() => rabinChunker(polynomial << 1n), RangeError);
});
