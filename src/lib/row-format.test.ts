import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from './random.ts';
import { type RowFormat, rowEnds } from './row-format.ts';

const random = seededRandom('row format');

const endsIn = (format: RowFormat, data: Buffer, nextPiece: () => number): number[] => {
  const finder = rowEnds(format);
  const found: number[] = [];
  for (let from = 0; from < data.length; ) {
    const piece = data.subarray(from, from + nextPiece());
    for (let end = finder.next(piece, 0); end >= 0; end = finder.next(piece, end)) found.push(from + end);
    from += piece.length;
  }
  return found;
};

const rowOf: Record<RowFormat, (length: number) => Buffer> = {
  lines: (length) => Buffer.from(`${'x'.repeat(length)}\n`),
  bson: (length) => {
    const document = Buffer.alloc(5 + length, 0xff);
    document.writeInt32LE(document.length);
    return document;
  },
};

for (const format of ['lines', 'bson'] as const) {
  test(`rows that are ${format} end where they end, however the bytes are split`, () => {
    const rows = Array.from({ length: 200 }, () => rowOf[format](random.integer(0, random.integer(1, 500))));
    rows.push(rowOf[format](70_000));
    const data = Buffer.concat(rows);
    let end = 0;
    const right = rows.map(({ length }) => (end += length));
    for (const pieceBytes of [1, 2, 3, 4, 5, 100, data.length])
      assert.deepEqual(
        endsIn(format, data, () => pieceBytes),
        right,
        `${pieceBytes}`,
      );
    assert.deepEqual(
      endsIn(format, data, () => random.integer(1, 50)),
      right,
    );
    assert.deepEqual(
      endsIn(format, data.subarray(0, -1), () => 1000),
      right.slice(0, -1),
    );
  });
}

test('a document that says it is shorter than any ends after five bytes', () => {
  const data = Buffer.from([0, 0, 0, 0, 9, 4, 0, 0, 0, 9, 6, 0, 0, 0, 9, 9]);
  for (const pieceBytes of [1, 3, 16])
    assert.deepEqual(
      endsIn('bson', data, () => pieceBytes),
      [5, 10, 16],
    );
});
