import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { HashTally } from './hash-tally.ts';

const hashOf = (row: number): Int32Array => {
  const digest = createHash('sha256').update(`${row}`).digest();
  digest[0] = row % 7; // many have the same place
  digest[1] = 0;
  return new Int32Array(digest.buffer.slice(digest.byteOffset, digest.byteOffset + 16));
};

test('counts are those of a map, whatever comes and goes', () => {
  const tally = new HashTally(16);
  const expected = new Map<number, number>();
  let seed = 5;
  for (let turn = 0; turn < 20_000; turn += 1) {
    seed = (seed * 48_271) % 2_147_483_647;
    const row = seed % 400;
    const count = expected.get(row) ?? 0;
    // Mostly back to zero, so that gaps come and are closed.
    const by = count > 0 ? -1 : count < 0 || turn % 3 > 0 ? 1 : -1;
    tally.add(hashOf(row), by);
    if (count + by === 0) expected.delete(row);
    else expected.set(row, count + by);
    assert.equal(tally.count(hashOf(row)), count + by);
    assert.equal(tally.size, expected.size);
  }
  for (let row = 0; row < 400; row += 1) assert.equal(tally.count(hashOf(row)), expected.get(row) ?? 0);
  const sum = [...tally.entries()].reduce((total, [, count]) => total + count, 0);
  assert.equal(
    sum,
    [...expected.values()].reduce((total, count) => total + count, 0),
  );
});
