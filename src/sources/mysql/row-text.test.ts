import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { packetsOf } from './packets.ts';
import { largestGrowth, RowText } from './row-text.ts';

type Field = Buffer | null;

const lengthOf = (length: number): Buffer => {
  if (length < 0xfb) return Buffer.from([length]);
  const bytes = length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 8;
  const buffer = Buffer.alloc(1 + bytes);
  buffer[0] = { 2: 0xfc, 3: 0xfd, 8: 0xfe }[bytes] ?? 0;
  if (bytes === 8) buffer.writeBigUInt64LE(BigInt(length), 1);
  else buffer.writeUIntLE(length, 1, bytes);
  return buffer;
};
const rowPackets = (fields: readonly Field[]): Buffer =>
  packetsOf(
    Buffer.concat(
      fields.flatMap((field) => (field ? [lengthOf(field.length), field] : [Buffer.from([0xfb])])),
    ),
  );
/** One after the other, with the numbers that they have then. */
const numbered = (...packets: readonly Buffer[]): Buffer => {
  const stream = Buffer.concat(packets);
  for (let at = 0, number = 0; at < stream.length; at += 4 + stream.readUIntLE(at, 3), number += 1)
    stream[at + 3] = number & 0xff;
  return stream;
};
const eof = packetsOf(Buffer.from([0xfe, 0, 0, 2, 0]));
const expected = (fields: readonly Field[]): string =>
  `${fields
    .map((field) =>
      field
        ? field
            .toString('latin1')
            .replaceAll('\\', '\\\\')
            .replaceAll('\0', '\\0')
            .replaceAll('\t', '\\t')
            .replaceAll('\n', '\\n')
        : '\\N',
    )
    .join('\t')}\n`;

const textOf = (
  columns: number,
  reads: readonly Buffer[],
): { readonly text: string; readonly rows: RowText } => {
  const rows = new RowText(columns, 0);
  let text = '';
  for (const read of reads) {
    const out = Buffer.alloc(read.length * largestGrowth);
    text += out.toString('latin1', 0, rows.take(read, out, 0));
  }
  return { text, rows };
};

test('rows come out the same wherever reads cut them', () => {
  const random = seededRandom('rows');
  const bytes = (length: number): Buffer =>
    Buffer.from(Array.from({ length }, () => random.pick([0, 9, 10, 13, 92, 65, 200, 255, 254, 251])));
  for (let round = 0; round < 200; round += 1) {
    const columns = random.integer(1, 6);
    const rows = Array.from({ length: random.integer(0, 8) }, () =>
      Array.from({ length: columns }, () =>
        random.chance(0.2) ? null : bytes(random.pick([0, 1, 3, 250, 251, 300])),
      ),
    );
    const stream = numbered(...rows.map(rowPackets), eof);
    const reads: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const length = random.integer(1, random.pick([3, 20, 2000]));
      reads.push(stream.subarray(at, at + length));
      at += length;
    }
    const { text, rows: taken } = textOf(columns, reads);
    assert.equal(text, rows.map(expected).join(''));
    assert.equal(taken.rows, rows.length);
    assert.deepEqual(taken.end, Buffer.from([0xfe, 0, 0, 2, 0]));
  }
});

test('a row goes on over packets, and may fill them exactly', () => {
  for (const length of [0xffffff - 5, 0xffffff - 4, 0xffffff + 70_000]) {
    const fields = [Buffer.alloc(length, 'x'), Buffer.from('end')];
    const stream = numbered(rowPackets(fields), eof);
    const half = stream.length >> 1;
    const { text, rows } = textOf(2, [stream.subarray(0, half), stream.subarray(half)]);
    assert.equal(text.length, length + 1 + 3 + 1);
    assert.ok(text.endsWith('x\tend\n') && rows.end);
  }
});

test('an error in the middle of rows ends them, and a row that ends too early is no row', () => {
  const error = packetsOf(Buffer.from('\xff\x01\x00#HY000gone', 'latin1'));
  const { text, rows } = textOf(1, [numbered(rowPackets([Buffer.from('a')]), error)]);
  assert.equal(text, 'a\n');
  assert.equal(rows.end?.[0], 0xff);
  assert.throws(() => textOf(2, [rowPackets([Buffer.from('a')])]), /before its last column/);
});

test('a length that was changed on the way is noticed at once, also when more never comes', () => {
  const rows = Array.from({ length: 20 }, (_, at) => rowPackets([Buffer.from(`${at}`), Buffer.from('x')]));
  for (const bit of [1, 2, 4, 8, 0x80, 0x8000, 0x80_0000]) {
    const stream = numbered(...rows, eof);
    stream.writeUIntLE(stream.readUIntLE(0, 3) ^ bit, 0, 3);
    assert.throws(() => textOf(2, [stream]), /last column|out of order/, `${bit}`);
  }
  const lost = Buffer.concat([numbered(...rows).subarray(0, 80), numbered(...rows, eof).subarray(96)]);
  assert.throws(() => textOf(2, [lost]), /out of order/);
});

test('an end of rows that others follow is none', () => {
  const row = rowPackets([Buffer.from('a')]);
  assert.throws(() => textOf(1, [numbered(row, eof, row, eof)]), /goes on after the end of its rows/);
});
