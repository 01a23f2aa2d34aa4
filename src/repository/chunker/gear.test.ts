import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gearChunker } from './gear.ts';
import { chunkLengths, gearOracle, randomData, seededRandom, sqlData } from './testing.ts';

const kibibyte = 1024;
const secret = randomData(32, 1);
const averages = [8, 16, 32, 64, 128, 256].map((size) => size * kibibyte);

for (const average of averages) {
  const inputs: Record<string, Uint8Array> = {
    'nothing at all': new Uint8Array(0),
    'random bytes': randomData(3 * 1024 * kibibyte, 2),
    'rows of SQL': sqlData(3 * 1024 * kibibyte + 17, 3),
    zeros: new Uint8Array(20 * average + 5),
  };
  for (const size of [1, 63, average / 4 - 1, average / 4, average / 4 + 1, average, average * 4])
    inputs[`${size} random bytes`] = randomData(size, size);
  for (const size of [average * 4 - 1, average * 4, average * 4 + 1])
    inputs[`${size} equal bytes`] = Buffer.alloc(size, 7);

  test(`gear chunks of ${average} bytes are cut where the definition says`, () => {
    const chunker = gearChunker(secret, average);
    for (const [name, data] of Object.entries(inputs)) {
      const random = seededRandom(data.length);
      const expected = gearOracle(data, secret, average);
      for (const pieceBytes of [300, 70_000, 5_000_000])
        assert.deepEqual(
          chunkLengths(chunker, data, () => 1 + Math.floor(random() * pieceBytes)),
          expected,
          name,
        );
    }
  });
}

test('gear chunks keep to their bounds and gather around the average', () => {
  for (const average of averages.slice(0, 4)) {
    const lengths = chunkLengths(gearChunker(secret, average), randomData(300 * average, 4), () => 65_536);
    const whole = lengths.slice(0, -1);
    assert.ok(whole.every((length) => length >= average / 4 && length <= average * 4));
    const mean = whole.reduce((sum, length) => sum + length, 0) / whole.length;
    assert.ok(mean > 0.95 * average && mean < 1.35 * average, `mean ${mean} of ${average}`);
  }
});

test('an inserted row changes the chunks around it only', () => {
  const chunker = gearChunker(secret, 16 * kibibyte);
  const digests = (data: Uint8Array): Set<string> => {
    const found = new Set<string>();
    let at = 0;
    for (const length of chunkLengths(chunker, data, () => 100_000)) {
      found.add(
        createHash('sha256')
          .update(data.subarray(at, at + length))
          .digest('hex'),
      );
      at += length;
    }
    return found;
  };
  const data = sqlData(4 * 1024 * kibibyte, 5);
  const changed = Buffer.concat([
    data.subarray(0, 2_000_000),
    Buffer.from('a new row\n'),
    data.subarray(2_000_000),
  ]);
  const known = digests(data);
  const fresh = [...digests(changed)].filter((digest) => !known.has(digest));
  assert.ok(fresh.length > 0 && fresh.length <= 6, `${fresh.length} new chunks`);
});

test('another secret cuts elsewhere', () => {
  const data = randomData(1024 * kibibyte, 6);
  const cuts = (tableSecret: Uint8Array): number[] =>
    chunkLengths(gearChunker(tableSecret, 16 * kibibyte), data, () => 65_536);
  assert.notDeepEqual(cuts(secret), cuts(randomData(32, 7)));
});

test('the table of a secret never changes: cuts of earlier backups are found again', () => {
  const lengths = chunkLengths(
    gearChunker(new Uint8Array(32), 8 * kibibyte),
    sqlData(64 * kibibyte, 8),
    () => 1000,
  );
  assert.deepEqual(lengths, [2473, 9917, 9362, 9226, 9052, 8378, 8476, 8652]);
});

test('averages and secrets that are none are refused', () => {
  for (const average of [0, 4096, 10_000, 512 * kibibyte, Number.NaN])
    assert.throws(() => gearChunker(secret, average), RangeError);
  assert.throws(() => gearChunker(new Uint8Array(16), 8 * kibibyte), RangeError);
});
