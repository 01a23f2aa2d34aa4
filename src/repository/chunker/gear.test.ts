import assert from 'node:assert/strict';
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
  for (const size of [1, 63, average / 2 - 1, average / 2, average / 2 + 1, average, average * 4])
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
    assert.ok(whole.every((length) => length > average / 2 && length <= average * 4));
    const mean = whole.reduce((sum, length) => sum + length, 0) / whole.length;
    assert.ok(mean > 0.9 * average && mean < 1.1 * average, `mean ${mean} of ${average}`);
  }
});

test('what is changed, inserted or removed moves no cut that is farther away than half an average', () => {
  const average = 16 * kibibyte;
  const chunker = gearChunker(secret, average);
  const cutsOf = (data: Uint8Array): number[] => {
    let at = 0;
    return chunkLengths(chunker, data, () => 100_000).map((length) => (at += length));
  };
  const data = sqlData(2 * 1024 * kibibyte, 5);
  const cuts = cutsOf(data);
  const random = seededRandom(9);
  const kept = (list: readonly number[], from: number, to: number): number[] =>
    list.filter((cut) => cut < from - average / 2 || cut > to + average / 2 + 64);
  for (const [removed, inserted] of [
    [0, 10],
    [70, 0],
    [70, 75],
    [3000, 40],
  ] as const)
    for (let round = 0; round < 10; round += 1) {
      const at = 100_000 + Math.floor(random() * 1_500_000);
      const row = randomData(inserted, round);
      const changed = Buffer.concat([data.subarray(0, at), row, data.subarray(at + removed)]);
      const before = kept(cuts, at, at + removed).map((cut) => (cut < at ? cut : cut + inserted - removed));
      assert.deepEqual(kept(cutsOf(changed), at, at + inserted), before);
    }
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
  assert.deepEqual(lengths, [7788, 6513, 8444, 8233, 9052, 6867, 7616, 11_023]);
});

test('averages and secrets that are none are refused', () => {
  for (const average of [0, 4096, 10_000, 512 * kibibyte, Number.NaN])
    assert.throws(() => gearChunker(secret, average), RangeError);
  assert.throws(() => gearChunker(new Uint8Array(16), 8 * kibibyte), RangeError);
});
