import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import test from 'node:test';
import { metaOf } from './metadata.ts';
import type { Seen } from './walk.ts';
import { RecordWriter, readRecords } from './walk-records.ts';

const file = lstatSync(import.meta.filename, { bigint: true });
const asNodeHasIt = BigInt.asIntN(64, 2n ** 64n - 5n);

test('numbers of 64 bits are never negative: restic reads no tree that has such a one', () => {
  const { inode, deviceId } = metaOf({ ...file, ino: asNodeHasIt, dev: asNodeHasIt }, 'file', false);
  assert.deepEqual([inode, deviceId], [2n ** 64n - 5n, 2n ** 64n - 5n]);
});

test('numbers and times that fill 64 bits or more arrive as they are', () => {
  const far = { mtimeNs: 15_000_000_000n * 1_000_000_000n, atimeNs: -(2n ** 64n), ctimeNs: 2n ** 63n };
  const all: Seen[] = [file, { ...file, ino: asNodeHasIt }, { ...file, ...far }].map((stat, at) => ({
    path: `file ${at}`,
    type: 'file',
    meta: metaOf(stat, 'file', true),
  }));
  const records = new RecordWriter(all.length);
  for (const seen of all) records.add(seen);
  assert.deepEqual([...readRecords(records.take())], all);
});
