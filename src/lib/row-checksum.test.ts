import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { combine, createRowCounter, noRows, type RowCount } from './row-checksum.ts';
import type { RowFormat } from './row-format.ts';

const mask = (1n << 64n) - 1n;
const rotl = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (64n - by))) & mask;

/** The hash of a row as the head of row-checksum.ts defines it: both lanes. */
const hashOf = (row: Uint8Array): [bigint, bigint] => {
  const padded = Buffer.concat([row, Buffer.alloc(-row.length & 7)]);
  let a = 0x9e3779b97f4a7c15n;
  let b = 0xd1b54a32d192ed03n;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    a = (rotl((a + word * 0xc2b2ae3d27d4eb4fn) & mask, 31n) * 0x9e3779b185ebca87n) & mask;
    b = (rotl((b + word * 0x9fb21c651e98df25n) & mask, 29n) * 0xbf58476d1ce4e5b9n) & mask;
  }
  const finish = (lane: bigint): bigint => {
    let x = lane ^ BigInt(row.length);
    x = ((x ^ (x >> 33n)) * 0xff51afd7ed558ccdn) & mask;
    x = ((x ^ (x >> 29n)) * 0xc4ceb9fe1a85ec53n) & mask;
    return x ^ (x >> 32n);
  };
  return [finish(a), finish(b)];
};

const expected = (rows: readonly Uint8Array[]): RowCount => {
  let sumA = 0n;
  let sumB = 0n;
  for (const row of rows) {
    const [a, b] = hashOf(row);
    sumA = (sumA + a) & mask;
    sumB = (sumB + b) & mask;
  }
  const hex = (sum: bigint): string => sum.toString(16).padStart(16, '0');
  return { rows: rows.length, bytes: Buffer.concat(rows).length, checksum: hex(sumA) + hex(sumB) };
};

const counted = (format: RowFormat, data: Uint8Array, pieceBytes = data.length): RowCount => {
  const counter = createRowCounter(format);
  for (let at = 0; at < data.length; at += pieceBytes) counter.update(data.subarray(at, at + pieceBytes));
  return counter.finish();
};

/** Bytes that are the same for the same label. */
const bytesOf = (length: number, label: string): Buffer =>
  createHash('shake256', { outputLength: Math.max(1, length) })
    .update(label)
    .digest()
    .subarray(0, length);

const lineOf = (length: number, label: string): Buffer =>
  Buffer.concat([bytesOf(length, label).map((byte) => (byte === 10 ? 138 : byte)), Buffer.from('\n')]);

const documentOf = (length: number, label: string): Buffer => {
  const document = bytesOf(length, label);
  document.writeInt32LE(length);
  return document;
};

const lengths = [...Array(40).keys(), 63, 64, 65, 199, 200, 400, 5000, 65_519, 65_520, 65_521, 200_000];
const lines = [...lengths, ...lengths].map((length, index) => lineOf(length, `line ${index}`));
const documents = [...lengths.filter((length) => length >= 5), 5, 6, 7, 8].map((length, index) =>
  documentOf(length, `document ${index}`),
);
const pieceSizes = [1, 2, 3, 7, 8, 9, 100, 4096, 65_520, 65_521, 1_000_000];

test('lines are counted and summed as defined, however the bytes are split', () => {
  const data = Buffer.concat(lines);
  const sum = expected(lines);
  for (const pieceBytes of pieceSizes)
    assert.deepEqual(counted('lines', data, pieceBytes), sum, `${pieceBytes}`);
});

test('BSON documents are counted and summed as defined, however the bytes are split', () => {
  const data = Buffer.concat(documents);
  const sum = expected(documents);
  for (const pieceBytes of pieceSizes)
    assert.deepEqual(counted('bson', data, pieceBytes), sum, `${pieceBytes}`);
});

test('a last line without its newline is a row, and another one than with it', () => {
  for (const length of [1, 2, 6, 7, 8, 9, 15, 16, 17, 70_000]) {
    const whole = lineOf(length, 'last');
    const cut = whole.subarray(0, -1);
    const rows = [lineOf(10, 'first'), cut];
    assert.deepEqual(counted('lines', Buffer.concat(rows)), expected(rows));
    assert.notEqual(counted('lines', cut).checksum, counted('lines', whole).checksum);
  }
});

test('empty lines at the end are rows', () => {
  for (const text of ['\n', '\n\n\n', 'a\n\n\n', '\n\n\nab', '12345678\n\n', '1234567\n\n\n\n\n\n\n\n\n']) {
    const rows = text.match(/[^\n]*\n|[^\n]+$/g)?.map((row) => Buffer.from(row)) ?? [];
    assert.deepEqual(counted('lines', Buffer.from(text)), expected(rows), JSON.stringify(text));
  }
});

test('no bytes are no rows', () => {
  assert.deepEqual(counted('lines', new Uint8Array(0)), noRows);
  assert.deepEqual(counted('bson', new Uint8Array(0)), noRows);
});

test('the order of the rows does not matter, and every kind of mistake shows', () => {
  const checksum = (rows: readonly Uint8Array[]): string => counted('lines', Buffer.concat(rows)).checksum;
  const [first, second, ...others] = lines.slice(20, 60) as [Buffer, Buffer, ...Buffer[]];
  const right = checksum([first, second, ...others]);
  assert.equal(checksum([...others, second, first]), right);
  assert.notEqual(checksum([second, ...others]), right);
  assert.notEqual(checksum([first, first, second, ...others]), right);
  assert.notEqual(checksum([first, first, ...others]), right);
  for (let bit = 0; bit < 8; bit += 1) {
    const changed = Buffer.from(first);
    changed[5] = (changed[5] as number) ^ (1 << bit);
    assert.notEqual(checksum([changed, second, ...others]), right);
  }
});

test('short rows that differ a little have hashes that differ in both lanes', () => {
  const seen = [new Set<string>(), new Set<string>()] as const;
  const numbers = 20_000;
  for (let number = 0; number < numbers; number += 1) {
    const { checksum } = counted('lines', Buffer.from(`${number}\t${number % 7}\n`));
    seen[0].add(checksum.slice(0, 16));
    seen[1].add(checksum.slice(16));
  }
  assert.equal(seen[0].size, numbers);
  assert.equal(seen[1].size, numbers);
});

test('several counters at once do not disturb each other', () => {
  const counters = [createRowCounter('lines'), createRowCounter('bson'), createRowCounter('lines')] as const;
  const data = [Buffer.concat(lines), Buffer.concat(documents), Buffer.concat(lines.slice(5))] as const;
  for (let at = 0; at < data[0].length; at += 1001)
    for (const [index, counter] of counters.entries())
      counter.update((data[index] as Buffer).subarray(at, at + 1001));
  assert.deepEqual(counters[0].finish(), expected(lines));
  assert.deepEqual(counters[1].finish(), expected(documents));
  assert.deepEqual(counters[2].finish(), expected(lines.slice(5)));
});

test('a table in several entries has the sum of their counts', () => {
  const parts = [lines.slice(0, 10), lines.slice(10, 11), lines.slice(11)];
  const counts = parts.map((rows) => counted('lines', Buffer.concat(rows)));
  assert.deepEqual(counts.reduce(combine, noRows), expected(lines));
  assert.deepEqual(counts.reverse().reduce(combine), expected(lines));
});

test('a BSON document that is cut short is an error', () => {
  const data = documentOf(100, 'cut');
  for (const length of [1, 3, 4, 5, 8, 50, 96, 99])
    assert.throws(() => counted('bson', Buffer.concat([data, data.subarray(0, length)])), {
      code: 'ITEM_UNREADABLE',
    });
});

test('an impossible length of a BSON document is an error', () => {
  for (const length of [0, 4, -1, -2_147_483_648]) {
    const data = documentOf(100, 'damaged');
    data.writeInt32LE(length);
    assert.throws(() => counted('bson', Buffer.concat([documentOf(33, 'before'), data])), {
      code: 'ITEM_UNREADABLE',
    });
  }
});
