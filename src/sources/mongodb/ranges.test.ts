import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { everything, rangeCount, rangesBetween, sampleSize } from './ranges.ts';

const withId = (_id: unknown): Uint8Array => BSON.serialize({ _id });
const ids = (...values: readonly unknown[]): Uint8Array[] => values.map(withId);
const cut = (least: unknown, greatest: unknown, sample: readonly unknown[], count: number): string =>
  BSON.EJSON.stringify(rangesBetween(withId(least), withId(greatest), ids(...sample), count), {
    relaxed: true,
  });

test('a collection is cut by its size, and never into many thousands', () => {
  assert.deepEqual(
    [0, 1e6, 64 * 1024 ** 2, 200 * 1024 ** 2, 1e15].map((bytes) => rangeCount(bytes, 64)),
    [1, 1, 1, 3, 4000],
  );
});

test('the sample is never so large that a server would read all documents for it', () => {
  assert.equal(sampleSize(10, 1e6), 50);
  assert.equal(sampleSize(10, 400), 16);
  assert.equal(sampleSize(10, 3), 1);
});

test('ranges are open at both ends and meet at their bounds', () => {
  assert.equal(
    cut(1, 100, [10, 20, 30, 40, 50, 60], 3),
    '[{"_id":{"$lt":30}},{"_id":{"$gte":30,"$lt":50}},{"_id":{"$gte":50}}]',
  );
});

test('a sample with few different _ids makes fewer ranges, none of them empty by itself', () => {
  assert.equal(cut('a', 'z', ['k', 'k', 'k', 'k'], 4), '[{"_id":{"$lt":"k"}},{"_id":{"$gte":"k"}}]');
  assert.equal(cut('a', 'z', [], 4), '[{}]');
});

test('kinds that cannot be compared with each other, or not at all, are left in one range', () => {
  const text = Buffer.from(withId('XX'));
  Buffer.from([0xff, 0xfe]).copy(text, text.indexOf('XX'));
  const mixed = [
    [1, 'text'],
    [new BSON.MinKey(), 5],
    [Number.NaN, 5],
    [{ a: 1 }, { a: 2 }],
    [BSON.Decimal128.fromString('1'), 2],
  ];
  for (const [least, greatest] of mixed) assert.equal(cut(least, greatest, [1, 2, 3, 4], 2), '[{}]');
  assert.deepEqual(rangesBetween(text, withId('z'), ids('a', 'b'), 2), [everything]);
  assert.deepEqual(rangesBetween(undefined, undefined, [], 2), [everything]);
});
