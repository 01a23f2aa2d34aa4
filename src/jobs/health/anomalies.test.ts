import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Extent, judgeExtent, judgeTables, type Tables, usualRules } from './anomalies.ts';

const extent = (bytes: number, files = 5): Extent => ({ bytes, files });
const shop = (tables: Record<string, number>): Tables => new Map([['shop', new Map(Object.entries(tables))]]);

test('nothing at all is suspicious, unless there never was anything', () => {
  assert.deepEqual(judgeExtent(extent(0, 0), [extent(9)], usualRules), ['is empty']);
  assert.deepEqual(judgeExtent(extent(0, 0), [], usualRules), ['is empty']);
  assert.deepEqual(judgeExtent(extent(0, 0), [extent(0, 0)], usualRules), []);
  assert.deepEqual(judgeTables(shop({}), [], usualRules), ['has no table']);
  assert.deepEqual(judgeTables(new Map(), [], usualRules), ['has no database']);
  assert.deepEqual(judgeTables(new Map(), [new Map()], usualRules), []);
  assert.deepEqual(judgeTables(shop({}), [shop({})], usualRules), []);
});

test('less than a third of the smallest of the last ones is not usual', () => {
  const mib = 1024 * 1024;
  const before = [extent(1000 * mib), extent(400 * mib), extent(2000 * mib)];
  assert.deepEqual(judgeExtent(extent(120 * mib), before, usualRules), []);
  assert.deepEqual(judgeExtent(extent(40 * mib), before, usualRules), [
    'has 40.0 MiB, 90 % less than ever lately (400 MiB)',
  ]);
  assert.deepEqual(judgeExtent(extent(40 * mib), before, { ...usualRules, shrinkTo: 0.1 }), []);
  assert.deepEqual(judgeExtent(extent(1), [extent(mib - 1)], usualRules), [], 'a little comes and goes');
});

test('many files that went count, a few do not', () => {
  assert.match(judgeExtent(extent(100, 10), [extent(100, 100)], usualRules).join(), /10 files, 90 % less/);
  assert.deepEqual(judgeExtent(extent(100, 1), [extent(100, 4)], usualRules), []);
});

test('a table or database that is gone is named', () => {
  assert.deepEqual(judgeTables(shop({ a: 5 }), [shop({ a: 5, b: 0 })], usualRules), ['lacks the table b']);
  assert.deepEqual(judgeTables(new Map(), [shop({ a: 5 })], usualRules), ['lacks the database shop']);
});

test('rows are counted in all, and in each table', () => {
  assert.deepEqual(judgeTables(shop({ a: 100, b: 0 }), [shop({ a: 100, b: 50 })], usualRules), [
    'has 0 rows in the table b, where at least 50 were lately',
  ]);
  assert.deepEqual(judgeTables(shop({ a: 20 }), [shop({ a: 100 })], usualRules), [
    'has 20 rows, 80 % less than ever lately (100)',
  ]);
  assert.deepEqual(judgeTables(shop({ a: 0 }), [shop({ a: 9 })], usualRules), [], 'few rows come and go');
});

test('what comes and goes is usual, and so is what the file says', () => {
  const queue = [shop({ a: 100, jobs: 90 }), shop({ a: 100, jobs: 3 })];
  assert.deepEqual(judgeTables(shop({ a: 100, jobs: 0 }), queue, usualRules), []);
  const partitions = [shop({ a: 100, day_1: 5 }), shop({ a: 100 })];
  assert.deepEqual(judgeTables(shop({ a: 100 }), partitions, usualRules), []);
  const ignore = ['day_*'];
  assert.deepEqual(judgeTables(shop({ a: 9 }), [shop({ a: 9, day_1: 900 })], { ...usualRules, ignore }), []);
  assert.equal(judgeTables(shop({ a: 9 }), [shop({ a: 9, day: 1 })], { ...usualRules, ignore }).length, 1);
});
