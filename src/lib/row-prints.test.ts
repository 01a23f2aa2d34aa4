import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from './random.ts';
import type { RowFormat } from './row-format.ts';
import { createRowPrinter, type PrintedRows, type RowPrinter } from './row-prints.ts';

const mask = (1n << 64n) - 1n;
const rotl = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (64n - by))) & mask;

/** SipHash-2-4 with 128 bits as its authors define it, in hex. */
const sipHash = (key: Uint8Array, bytes: Uint8Array): string => {
  const keyWords = Buffer.from(key);
  const k0 = keyWords.readBigUInt64LE(0);
  const k1 = keyWords.readBigUInt64LE(8);
  let [v0, v1, v2, v3] = [0x736f6d6570736575n, 0x646f72616e646f6dn, 0x6c7967656e657261n, 0x7465646279746573n];
  [v0, v1, v2, v3] = [v0 ^ k0, v1 ^ k1 ^ 0xeen, v2 ^ k0, v3 ^ k1];
  const rounds = (count: number): void => {
    for (let round = 0; round < count; round += 1) {
      v0 = (v0 + v1) & mask;
      v1 = rotl(v1, 13n) ^ v0;
      v0 = rotl(v0, 32n);
      v2 = (v2 + v3) & mask;
      v3 = rotl(v3, 16n) ^ v2;
      v0 = (v0 + v3) & mask;
      v3 = rotl(v3, 21n) ^ v0;
      v2 = (v2 + v1) & mask;
      v1 = rotl(v1, 17n) ^ v2;
      v2 = rotl(v2, 32n);
    }
  };
  const padded = Buffer.concat([bytes, Buffer.alloc(8 - (bytes.length % 8))]);
  padded[padded.length - 1] = bytes.length & 255;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  const hash = Buffer.alloc(16);
  v2 ^= 0xeen;
  rounds(4);
  hash.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3);
  v1 ^= 0xddn;
  rounds(4);
  hash.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3, 8);
  return hash.toString('hex');
};

/** Of the authors' vectors_sip128, by the length of the input 00, 01, 02, ... under the key 00, 01, ... 0f. */
const vectors: readonly (readonly [number, string])[] = [
  [0, 'a3817f04ba25a8e66df67214c7550293'],
  [1, 'da87c1d86b99af44347659119b22fc45'],
  [2, '8177228da4a45dc7fca38bdef60affe4'],
  [3, '9c70b60c5267a94e5f33b6b02985ed51'],
  [4, 'f88164c12d9c8faf7d0f6e7c7bcd5579'],
  [5, '1368875980776f8854527a07690e9627'],
  [6, '14eeca338b208613485ea0308fd7a15e'],
  [7, 'a1f1ebbed8dbc153c0b84aa61ff08239'],
  [8, '3b62a9ba6258f5610f83e264f31497b4'],
  [9, '264499060ad9baabc47f8b02bb6d71ed'],
  [10, '00110dc378146956c95447d3f3d0fbba'],
  [11, '0151c568386b6677a2b4dc6f81e5dc18'],
  [15, '5493e99933b0a8117e08ec0f97cfc3d9'],
  [16, '6ee2a4ca67b054bbfd3315bf85230577'],
  [63, '5150d1772f50834a503e069a973fbd7c'],
];
const counting = Uint8Array.from({ length: 64 }, (_, index) => index);
const vectorKey = counting.subarray(0, 16);

const random = seededRandom('row prints');
const bytesOf = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random.integer(0, 256)));
const key = bytesOf(16);
const otherKey = bytesOf(16);

const lineOf = (length: number): Buffer =>
  Buffer.concat([bytesOf(length).map((byte) => (byte === 10 ? 138 : byte)), Buffer.from('\n')]);

/** What a printer says of a row: its print in hex, and its end from the beginning of the stream. */
interface Printed {
  readonly print: string;
  readonly end: number;
}

const printOf = (rowKey: Uint8Array, row: Uint8Array): string => sipHash(rowKey, row).slice(0, 24);

const expected = (rowKey: Uint8Array, rows: readonly Uint8Array[]): Printed[] => {
  let end = 0;
  return rows.map((row) => {
    end += row.length;
    return { print: printOf(rowKey, row), end };
  });
};

/** Feeds a printer and notes what it gives. */
const noting = (printer: RowPrinter) => {
  const printed: Printed[] = [];
  let taken = 0;
  const note =
    (ended: (end: number) => number) =>
    ({ count, prints, ends }: PrintedRows): void => {
      assert.ok(count > 0);
      assert.equal(prints.length, 3 * count);
      assert.equal(ends.length, count);
      for (let row = 0; row < count; row += 1) {
        const print = Buffer.alloc(12);
        for (let word = 0; word < 3; word += 1) print.writeUInt32LE(prints[3 * row + word]!, 4 * word);
        printed.push({ print: print.toString('hex'), end: ended(ends[row]!) });
      }
    };
  return {
    update(bytes: Uint8Array): void {
      printer.update(
        bytes,
        note((end) => {
          assert.ok(end > 0 && end <= bytes.length, `a row ends at ${end} of ${bytes.length}`);
          return taken + end;
        }),
      );
      taken += bytes.length;
    },
    finish(): Printed[] {
      printer.finish(
        note((end) => {
          assert.equal(end, 0);
          return taken;
        }),
      );
      return printed;
    },
  };
};

const printed = (
  rowKey: Uint8Array,
  data: Uint8Array,
  nextPiece: () => number = () => data.length,
  format: RowFormat = 'lines',
) => {
  const printer = noting(createRowPrinter(rowKey, format));
  for (let at = 0; at < data.length; ) {
    const pieceBytes = nextPiece();
    printer.update(data.subarray(at, at + pieceBytes));
    at += pieceBytes;
  }
  return printer.finish();
};

const lengths = [...Array(66).keys(), 127, 255, 256, 257, 999, 1000, 1001, 2047, 3000, 4096, 5001];
const lines = random.shuffle([...lengths, ...lengths]).map(lineOf);

test('the reference these tests compare with gives the vectors of SipHash', () => {
  for (const [length, hash] of vectors)
    assert.equal(sipHash(vectorKey, counting.subarray(0, length)), hash, `${length}`);
});

test('the print of a row is the first 96 bits of its SipHash', () => {
  for (const [length, hash] of vectors.filter(([bytes]) => bytes > 0 && bytes <= 10))
    assert.deepEqual(printed(vectorKey, counting.subarray(0, length)), [
      { print: hash.slice(0, 24), end: length },
    ]);
  const [, eleven] = vectors.find(([length]) => length === 11)!;
  assert.deepEqual(printed(vectorKey, counting.subarray(0, 11)), [{ print: eleven.slice(0, 24), end: 11 }]);
});

test('each row has its own print and end, however the bytes are split', () => {
  const data = Buffer.concat(lines);
  const rows = expected(key, lines);
  for (const pieceBytes of [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 100, 4096, data.length])
    assert.deepEqual(
      printed(key, data, () => pieceBytes),
      rows,
      `${pieceBytes}`,
    );
  for (const most of [3, 10, 30, 300, 10_000])
    assert.deepEqual(
      printed(key, data, () => random.integer(0, most)),
      rows,
      `at random, below ${most}`,
    );
});

test('rows end where they end in an update of more bytes than are taken at once', () => {
  const many = Array.from({ length: 1200 }, () => lineOf(random.integer(100, 200)));
  assert.deepEqual(printed(key, Buffer.concat(many)), expected(key, many));
});

test('a last row without its newline is a row, and another one than with it', () => {
  for (let length = 1; length < 40; length += 1) {
    const whole = lineOf(length);
    const rows = [lineOf(random.integer(0, 20)), whole.subarray(0, -1)];
    const data = Buffer.concat(rows);
    for (const pieceBytes of [1, 3, 8, data.length])
      assert.deepEqual(
        printed(key, data, () => pieceBytes),
        expected(key, rows),
        `${length} in ${pieceBytes}`,
      );
    assert.notEqual(printed(key, whole)[0]!.print, printed(key, whole.subarray(0, -1))[0]!.print);
  }
});

test('no bytes are no row, and nothing follows the last newline', () => {
  assert.deepEqual(printed(key, new Uint8Array(0)), []);
  const printer = noting(createRowPrinter(key, 'lines'));
  printer.update(new Uint8Array(0));
  assert.deepEqual(printer.finish(), []);
  for (const length of [0, 1, 6, 7, 8, 15, 70_000]) assert.equal(printed(key, lineOf(length)).length, 1);
});

test('a stream of nothing but newlines has as many rows as bytes', () => {
  const rows = printed(key, Buffer.alloc(200_000, '\n'));
  const print = printOf(key, Buffer.from('\n'));
  assert.equal(rows.length, 200_000);
  assert.ok(rows.every((row, index) => row.print === print && row.end === index + 1));
});

test('a row of several megabytes is one row', () => {
  const cycle = lineOf(9973).subarray(0, -1);
  const large = Buffer.concat([Buffer.alloc(3_000_001, cycle), Buffer.from('\n')]);
  const rows = [lineOf(5), large, lineOf(12), Buffer.from('\n')];
  const data = Buffer.concat(rows);
  const right = expected(key, rows);
  assert.deepEqual(printed(key, data), right);
  assert.deepEqual(
    printed(key, data, () => random.integer(1, 200_000)),
    right,
  );
});

const documentOf = (length: number): Buffer => {
  const document = bytesOf(length);
  document.writeInt32LE(length);
  return document;
};

test('a document has its print and end by the length with which it begins, however the bytes are split', () => {
  const sizes = lengths.filter((length) => length >= 5);
  const documents = random.shuffle([...sizes, ...sizes, 300_000]).map(documentOf);
  const data = Buffer.concat(documents);
  const right = expected(key, documents);
  for (const pieceBytes of [1, 2, 3, 4, 5, 7, 8, 9, 17, 4096, data.length])
    assert.deepEqual(
      printed(key, data, () => pieceBytes, 'bson'),
      right,
      `${pieceBytes}`,
    );
  for (const most of [3, 10, 30, 300, 10_000])
    assert.deepEqual(
      printed(key, data, () => random.integer(0, most), 'bson'),
      right,
      `at random, below ${most}`,
    );
});

test('a document whose end is missing ends the stream as a row without an end', () => {
  const whole = documentOf(20);
  for (let length = 1; length < 20; length += 1) {
    const printer = createRowPrinter(key, 'bson');
    let ended = 0;
    printer.update(Buffer.concat([documentOf(5), whole.subarray(0, length)]), ({ count }) => {
      ended += count;
    });
    const left: number[] = [];
    printer.finish(({ ends }) => left.push(...ends));
    assert.deepEqual([ended, left], [1, [0]], `${length}`);
  }
});

test('a length that no document has is a document of five bytes', () => {
  for (const length of [0, 1, 4]) {
    const document = documentOf(5);
    document.writeInt32LE(length);
    const rows = [document, documentOf(30)];
    assert.deepEqual(
      printed(key, Buffer.concat(rows), () => 3, 'bson'),
      expected(key, rows),
    );
  }
});

test('two printers with different keys, used in turns, do not disturb each other', () => {
  const printers = [
    noting(createRowPrinter(key, 'lines')),
    noting(createRowPrinter(otherKey, 'lines')),
  ] as const;
  const others = lines.toReversed();
  const data = [Buffer.concat(lines), Buffer.concat(others)] as const;
  for (let at = 0; at < data[0].length; at += 101)
    for (const [index, printer] of printers.entries()) printer.update(data[index]!.subarray(at, at + 101));
  assert.deepEqual(printers[0].finish(), expected(key, lines));
  assert.deepEqual(printers[1].finish(), expected(otherKey, others));
});

test('another printer may be made and used while rows are handed over', () => {
  const data = Buffer.concat(Array.from({ length: 2000 }, () => lineOf(100)));
  const inner = noting(createRowPrinter(otherKey, 'lines'));
  let innerTaken = 0;
  const counts: number[] = [];
  const printer = createRowPrinter(key, 'lines');
  const outer = noting({
    finish: (onRows) => printer.finish(onRows),
    update: (bytes, onRows) =>
      printer.update(bytes, (rows) => {
        onRows(rows);
        counts.push(rows.count);
        inner.update(data.subarray(innerTaken, innerTaken + 777));
        innerTaken += 777;
        printed(otherKey, lineOf(20));
      }),
  });
  outer.update(data.subarray(0, 150_003));
  outer.update(data.subarray(150_003));
  assert.ok(counts.length > 3);
  assert.deepEqual(outer.finish(), printed(key, data));
  assert.deepEqual(inner.finish(), printed(otherKey, data.subarray(0, innerTaken)));
});

test('the same row has another print under another key', () => {
  const row = lineOf(50);
  assert.notEqual(printed(key, row)[0]!.print, printed(otherKey, row)[0]!.print);
});

test('a key of another length is refused', () => {
  for (const length of [0, 15, 17, 32])
    assert.throws(() => createRowPrinter(new Uint8Array(length), 'lines'), RangeError, `${length}`);
});
