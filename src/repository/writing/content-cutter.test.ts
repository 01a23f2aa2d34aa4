import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCutAsFile, tableCut } from './content-cutter.ts';

const kibibyte = 1024;
const gibibyte = 1024 ** 3;

const averageOf = (...args: Parameters<typeof tableCut>): number => {
  const cut = tableCut(...args);
  assert.ok(cut.by === 'gear');
  return cut.averageBytes;
};

test('a table is cut into about 8 KiB, a large one into half a million blobs, and never above 256 KiB', () => {
  const expected = [
    [0, 8],
    [1, 8],
    [4 * gibibyte, 8],
    [4 * gibibyte + 1, 16],
    [8 * gibibyte, 16],
    [50 * gibibyte, 128],
    [1000 * gibibyte, 256],
    [1e15, 256],
  ] as const;
  for (const [size, average] of expected) assert.equal(averageOf(size), average * kibibyte, `${size} bytes`);
});

test('what the last snapshot used is kept while the table grows, up to four times what it should be', () => {
  const before = { sizeBytes: 4 * gibibyte, blobs: (4 * gibibyte) / (8 * kibibyte) };
  for (const size of [0, 5 * gibibyte, 15 * gibibyte, 16 * gibibyte])
    assert.equal(averageOf(size, { previous: before }), 8 * kibibyte, `${size} bytes`);
  assert.equal(averageOf(17 * gibibyte, { previous: before }), 64 * kibibyte);
});

test('with each half a million of blobs in a snapshot those of the next tables are twice as large', () => {
  const half = 512 * 1024;
  const expected = [
    [half - 1, 8],
    [half, 16],
    [3 * half, 64],
    [100 * half, 256],
  ] as const;
  for (const [blobsBefore, average] of expected)
    assert.equal(averageOf(gibibyte, { blobsBefore }), average * kibibyte, `${blobsBefore} blobs`);
  const previous = { sizeBytes: gibibyte, blobs: gibibyte / (16 * kibibyte) };
  assert.equal(averageOf(gibibyte, { blobsBefore: 3 * half, previous }), 16 * kibibyte);
  assert.equal(averageOf(gibibyte, { blobsBefore: 4 * half, previous }), 128 * kibibyte);
});

test('a table that shrinks keeps its cuts as well', () => {
  const before = { sizeBytes: 100 * gibibyte, blobs: (100 * gibibyte) / (128 * kibibyte) };
  assert.equal(averageOf(5 * gibibyte, { previous: before }), 128 * kibibyte);
});

test('measured averages that are a little off mean the power of two they are near', () => {
  for (const factor of [0.8, 1, 1.3]) {
    const before = { sizeBytes: gibibyte, blobs: Math.round(gibibyte / (16 * kibibyte * factor)) };
    assert.equal(averageOf(gibibyte, { previous: before }), 16 * kibibyte, `${factor}`);
  }
});

test('a few blobs, or those of a file that was cut as files are, say nothing or as much as is allowed', () => {
  assert.equal(averageOf(gibibyte, { previous: { sizeBytes: 100_000, blobs: 15 } }), 8 * kibibyte);
  assert.equal(averageOf(gibibyte, { previous: { sizeBytes: 100 * 1.5e6, blobs: 100 } }), 256 * kibibyte);
  assert.equal(averageOf(gibibyte, { previous: { sizeBytes: 16, blobs: 16 } }), 8 * kibibyte);
});

test('blobs that are as large as they may be tell the average, whatever the mean is', () => {
  const before = { sizeBytes: gibibyte, blobs: gibibyte / (30 * kibibyte) };
  assert.equal(averageOf(gibibyte, { previous: { ...before, largestBytes: 32 * kibibyte } }), 8 * kibibyte);
  assert.equal(
    averageOf(gibibyte, { previous: { ...before, largestBytes: 1024 * kibibyte } }),
    256 * kibibyte,
  );
  for (const largestBytes of [0, 16 * kibibyte, 33 * kibibyte, 2048 * kibibyte])
    assert.equal(averageOf(gibibyte, { previous: { ...before, largestBytes } }), 32 * kibibyte);
});

test('what restic’s chunker cut is told from rows, also of the largest tables', () => {
  const kibibyte = 1024;
  for (const [blobs, sizeBytes] of [
    [0, 0],
    [1, 1],
    [2, 513 * kibibyte],
    [100, 110 * 1024 * kibibyte],
  ] as const)
    assert.equal(isCutAsFile(blobs, sizeBytes), true, `${blobs} blobs`);
  for (const averageBytes of [8 * kibibyte, 262 * kibibyte])
    assert.equal(isCutAsFile(1000, 1000 * averageBytes), false, `${averageBytes} bytes on average`);
});
