import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { BlobType, PackEntry } from './blob.ts';
import { BlobTable } from './blob-table.ts';

const idOf = (number: number): Buffer => hash('sha256', String(number), 'buffer');
const hexOf = (number: number): string => idOf(number).toString('hex');
const entry = (
  id: string,
  type: BlobType,
  [offset, length, plainLength]: readonly [number, number, number],
): PackEntry => ({ id, type, offset, length, plainLength });

test('a blob is claimed once, as data and as a tree each for itself', () => {
  const table = new BlobTable(100);
  assert.equal(table.claim(idOf(1), 'data'), true);
  assert.equal(table.claim(idOf(1), 'data'), false);
  assert.equal(table.has(hexOf(1), 'data'), true);
  assert.equal(table.has(hexOf(1), 'tree'), false);
  assert.equal(table.claim(idOf(1), 'tree'), true);
  assert.equal(table.count, 2);
  assert.equal(table.locate(hexOf(1), 'data'), undefined, 'it has no place yet');
});

test('a blob keeps the first place it was given', () => {
  const table = new BlobTable(100);
  table.claim(idOf(1), 'data');
  assert.equal(table.put(entry(hexOf(1), 'data', [0xffff_fff0, 33, 0]), 0), true);
  assert.equal(table.put(entry(hexOf(1), 'data', [1, 2, 3]), 7), false);
  assert.deepEqual(table.locate(hexOf(1), 'data'), {
    pack: 0,
    offset: 0xffff_fff0,
    length: 33,
    plainLength: 0,
  });
  assert.equal(table.locate(hexOf(2), 'data'), undefined);
});

test('ids that begin alike are told apart', () => {
  const table = new BlobTable(1000);
  const ids = Array.from({ length: 600 }, (_, number) => {
    const id = Buffer.alloc(32, 7);
    id.writeUInt16BE(number, 30);
    return id;
  });
  for (const [number, id] of ids.entries())
    table.put(entry(id.toString('hex'), 'tree', [number, 1, 1]), number);
  for (const [number, id] of ids.entries())
    assert.equal(table.locate(id.toString('hex'), 'tree')?.pack, number);
  assert.equal(table.has('07'.repeat(32), 'tree'), false);
});

test('a table that has grown knows all it knew, with places, and claims without a place', () => {
  const table = new BlobTable(0);
  const type = (number: number): BlobType => (number % 3 === 0 ? 'tree' : 'data');
  for (let number = 0; number < 70_000; number += 1) {
    if (table.isFullWith(1)) table.grow(table.count + 1);
    if (number % 5 === 0) table.claim(idOf(number), type(number));
    else table.put(entry(hexOf(number), type(number), [number * 2, number * 3, number * 4]), number);
  }
  assert.equal(table.count, 70_000);
  for (let number = 0; number < 70_000; number += 1) {
    assert.equal(table.claim(idOf(number), type(number)), false);
    const place = table.locate(hexOf(number), type(number));
    assert.equal(place?.offset, number % 5 === 0 ? undefined : number * 2);
  }
  assert.equal(table.has(hexOf(70_000), 'data'), false);
});

test('every entry can be looked at, and says what is in it', () => {
  const table = new BlobTable(100);
  for (let number = 0; number < 50; number += 1)
    table.put(entry(hexOf(number), 'data', [10, 20, 30]), 2 * number);
  table.claim(idOf(50), 'tree');
  assert.equal(table.count, 51);
  for (let number = 0; number < 50; number += 1) {
    assert.equal(table.numberOf(hexOf(number), 'data'), number);
    assert.deepEqual(table.entryAt(number), entry(hexOf(number), 'data', [10, 20, 30]));
    assert.deepEqual(table.placeAt(number), { pack: 2 * number, offset: 10, length: 20, plainLength: 30 });
    assert.equal(table.packAt(number), 2 * number);
  }
  assert.equal(table.entryAt(50).type, 'tree');
  assert.equal(table.packAt(50), -1);
  assert.equal(table.placeAt(50), undefined);
});

// A worker that claims the blobs of a range and says which were new to it.
const claimer = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { hash } = require('node:crypto');
  const start = new Int32Array(workerData.start);
  import(workerData.module).then(({ BlobTable }) => {
    const table = new BlobTable(workerData.shared);
    Atomics.add(start, 1, 1);
    Atomics.wait(start, 0, 0);
    const mine = [];
    for (let number = 0; number < workerData.count; number += 1)
      if (table.claim(hash('sha256', String(number), 'buffer'), 'data')) mine.push(number);
    parentPort.postMessage(mine);
  });
`;

test('of several threads that claim the same blobs at once, each blob is new to exactly one', async () => {
  const count = 100_000; // more than one part
  const threads = 4;
  const table = new BlobTable(count);
  const start = new SharedArrayBuffer(8);
  const gate = new Int32Array(start);
  const workerData = {
    shared: table.shared,
    start,
    count,
    module: new URL('./blob-table.ts', import.meta.url).href,
  };
  const workers = Array.from({ length: threads }, () => new Worker(claimer, { eval: true, workerData }));
  const claims = workers.map((worker) => once(worker, 'message') as Promise<[number[]]>);
  while (Atomics.load(gate, 1) < threads) await new Promise((resolve) => setImmediate(resolve));
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  const claimed = (await Promise.all(claims)).flatMap(([mine]) => mine);
  assert.equal(claimed.length, count);
  assert.equal(new Set(claimed).size, count);
  assert.equal(table.count, count);
  for (let number = 0; number < count; number += 997) assert.equal(table.has(hexOf(number), 'data'), true);
});
