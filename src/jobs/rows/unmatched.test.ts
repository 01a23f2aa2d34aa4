import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReadRows, unmatchedRows } from './unmatched.ts';

const side = (...batches: readonly (readonly string[])[]): ReadRows =>
  async function* () {
    for (const batch of batches) yield batch.map((row) => Buffer.from(row));
  };

const found = async (...of: Parameters<typeof unmatchedRows>) => {
  const { counts, rows } = await unmatchedRows(...of);
  return { counts, rows: rows?.map((some) => some.map(String)) };
};

test('rows that both have are left out, wherever they lie', async () => {
  const before = side(['a', 'b'], ['c', 'd'], ['e']);
  const after = side(['e', 'x', 'd'], [], ['b', 'a']);
  assert.deepEqual(await found([before, after]), { counts: [1, 1], rows: [['c'], ['x']] });
  assert.deepEqual(await found([before, before]), { counts: [0, 0], rows: [[], []] });
  assert.deepEqual(await found([side(), after]), { counts: [0, 5], rows: [[], ['e', 'x', 'd', 'b', 'a']] });
});

test('a row that came more often on one side is there so many times', async () => {
  const before = side(['a', 'a', 'a', 'b']);
  assert.deepEqual(await found([before, side(['a', 'b', 'b'])]), {
    counts: [2, 1],
    rows: [['a', 'a'], ['b']],
  });
});

test('rows that are too many, or too large, are counted and not held', async () => {
  const before = side(['a', 'b', 'c', 'd']);
  const after = side(['a', 'x'], ['y']);
  const counts = [3, 2];
  const hashes = 100;
  assert.deepEqual(await found([before, after], { bytes: 100, rows: 4, hashes }), {
    counts,
    rows: undefined,
  });
  assert.deepEqual(await found([before, after], { bytes: 4, rows: 100, hashes }), {
    counts,
    rows: undefined,
  });
  assert.ok((await found([before, after], { bytes: 5, rows: 5, hashes })).rows);
});

test('more rows than a tally holds are compared in parts', async () => {
  const rows = Array.from({ length: 500 }, (_, number) => `row ${number}`);
  const sides = [side(rows), side(rows.toReversed(), ['one more'])] as const;
  let readings = 0;
  const counted: ReadRows = () => {
    readings += 1;
    return sides[0]();
  };
  const limits = { bytes: 1000, rows: 100, hashes: 100 };
  assert.deepEqual(await found([counted, sides[1]], limits), { counts: [0, 1], rows: [[], ['one more']] });
  assert.ok(readings > 4);
});

test('what breaks off on one side ends the reading of the other', async () => {
  let isClosed = false;
  const broken: ReadRows = async function* () {
    yield [Buffer.from('a')];
    throw new Error('a blob is damaged');
  };
  const whole: ReadRows = async function* () {
    try {
      for (;;) yield [Buffer.from('b')];
    } finally {
      isClosed = true;
    }
  };
  await assert.rejects(unmatchedRows([broken, whole]), /a blob is damaged/);
  assert.ok(isClosed);
});
