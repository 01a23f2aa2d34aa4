import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { bytesLiteral, doubleLiteral, readLiteral, singleLiteral, textLiteral } from './literal.ts';
import { readRow } from './read-row.ts';

test('a text is an N-literal with its quotes doubled', () => {
  assert.equal(textLiteral("it's 日本 🐙\t"), "N'it''s 日本 🐙\t'");
  assert.equal(textLiteral(''), "N''");
});

test('line breaks are told in other words, so that a row stays a line', () => {
  assert.equal(
    textLiteral('a\r\nb'),
    "REPLACE(REPLACE(N'a\\r\\nb' COLLATE Latin1_General_BIN2,N'\\r',NCHAR(13)),N'\\n',NCHAR(10))",
  );
  assert.equal(
    textLiteral('C:\\new\n'),
    "REPLACE(N'C:\\new\\n1' COLLATE Latin1_General_BIN2,N'\\n1',NCHAR(10))",
    'a mark that is part of the text is not used',
  );
});

test('what no line can hold, and half a character, are told as bytes', () => {
  assert.equal(textLiteral('a\0'), 'CAST(0x61000000 AS nvarchar(max))');
  assert.equal(textLiteral('\ud83d'), 'CAST(0x3DD8 AS nvarchar(max))');
});

test('numbers keep all digits that a double and a single have', () => {
  assert.deepEqual([0.1, 1, -5, 1e300, 5e-324, -0, 123456789012, 1 / 3].map(doubleLiteral), [
    '1.0000000000000001e-1',
    '1e0',
    '-5e0',
    '1.0000000000000001e300',
    '4.9406564584124654e-324',
    '-0e0',
    '1.23456789012e11',
    '3.3333333333333331e-1',
  ]);
  const random = seededRandom('doubles');
  for (let round = 0; round < 2000; round += 1) {
    const bits = new Float64Array(
      new BigUint64Array([
        BigInt(random.integer(0, 2 ** 32)) * 2n ** 32n + BigInt(random.integer(0, 2 ** 32)),
      ]).buffer,
    )[0] as number;
    if (!Number.isFinite(bits)) continue;
    assert.equal(Number(doubleLiteral(bits)), bits);
    const single = Math.fround(bits);
    if (Number.isFinite(single)) assert.equal(Math.fround(Number(singleLiteral(single))), single);
  }
});

test('every text comes back from its literal, in one line', () => {
  const random = seededRandom('texts');
  const pieces = [
    'a',
    "'",
    "''",
    '\\',
    '\\n',
    '\\r',
    '\\n1',
    '\n',
    '\r',
    '\r\n',
    '\0',
    '🐙',
    '\ud83d',
    '\udc00',
    '\u2028',
    ' ',
    "N'",
    ',',
    ')',
    ');',
    ' COLLATE Latin1_General_BIN2',
    'NCHAR(10)',
    'é',
    '\u00ad',
    '\ufeff',
    '\x85',
  ];
  for (let round = 0; round < 5000; round += 1) {
    const text = Array.from({ length: random.integer(0, 9) }, () => random.pick(pieces)).join('');
    const literal = textLiteral(text);
    assert.doesNotMatch(literal, /[\r\n\0\u2028\u0085]/);
    assert.ok(literal.isWellFormed());
    assert.deepEqual(
      readLiteral(`${literal})`, 0),
      { value: text, end: literal.length },
      JSON.stringify(text),
    );
  }
});

test('a row comes back from its line, and no other expression is taken for one', () => {
  const prefix = 'INSERT INTO [t] ([a],[b],[c],[d]) VALUES (';
  const values = [textLiteral("x'\n"), bytesLiteral(Buffer.from([0, 255])), '-12.50', 'NULL'];
  assert.deepEqual(readRow(`${prefix}${values.join(',')});`, prefix, 4), [
    "x'\n",
    Buffer.from([0, 255]),
    '-12.50',
    null,
  ]);
  const hostile = [
    `${prefix}N'x',0x00,1,NULL); DROP TABLE t;`,
    `${prefix}(SELECT 1),0x00,1,NULL);`,
    `${prefix}N'x',0x0,1,NULL);`,
    `${prefix}N'x,0x00,1,NULL);`,
    `${prefix}N'x',0x00,1);`,
    `${prefix}N'x',0x00,1,NULL,1);`,
    `${prefix}REPLACE(N'x',N'y',NCHAR(10)),0x00,1,NULL);`,
    `${prefix}CAST(0x6100 AS varchar(max)),0x00,1,NULL);`,
    `INSERT INTO [u] ([a],[b],[c],[d]) VALUES (N'x',0x00,1,NULL);`,
  ];
  for (const line of hostile) assert.equal(readRow(line, prefix, 4), undefined, line);
});
