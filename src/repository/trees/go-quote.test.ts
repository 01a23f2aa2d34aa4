import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeName, encodeName } from '#lib/file-name.ts';
import { seededRandom } from '#lib/random.ts';
import { goQuote, goUnquote } from './go-quote.ts';

// What Go's strconv.Quote gives, without the quotes around it. Most are the examples of Go's own tests.
const quoted: readonly (readonly [name: string, quoted: string])[] = [
  ['', ''],
  ['plain-name_1.txt', 'plain-name_1.txt'],
  ['\x07\b\f\r\n\t\v', '\\a\\b\\f\\r\\n\\t\\v'],
  ['back\\slash', 'back\\\\slash'],
  ['"double" and \'single\'', '\\"double\\" and \'single\''],
  ['\0\x01\x1f\x7f', '\\x00\\x01\\x1f\\x7f'],
  ['abc\u00ffdef', 'abcÿdef'],
  ['☺', '☺'],
  ['漢字 🦭', '漢字 🦭'],
  ['\u{10ffff}', '\\U0010ffff'],
  ['\u0080\u009f', '\\u0080\\u009f'],
  ['no-break\u00a0space', 'no-break\\u00a0space'],
  ['zero\u200bwidth', 'zero\\u200bwidth'],
  ['soft\u00adhyphen', 'soft\\u00adhyphen'],
  ['\ufeffbom', '\\ufeffbom'],
  ['\ue000 private', '\\ue000 private'],
  ['\ufffd itself', '\ufffd itself'],
  ['\u2028', '\\u2028'],
  ['e\u0301', 'e\u0301'],
];

test('names are quoted as Go quotes them', () => {
  for (const [name, expected] of quoted) assert.equal(goQuote(name), expected);
});

test('bytes that are not UTF-8 are quoted byte by byte', () => {
  assert.equal(goQuote(decodeName(Buffer.of(0x66, 0xff, 0xfe, 0x80, 0x2e))), 'f\\xff\\xfe\\x80.');
  assert.equal(goQuote(decodeName(Buffer.of(0xc3))), '\\xc3');
  assert.equal(goQuote(decodeName(Buffer.of(0xed, 0xa0, 0x80))), '\\xed\\xa0\\x80'); // a surrogate in UTF-8
  assert.equal(goQuote(decodeName(Buffer.of(0xf4, 0x90, 0x80, 0x80))), '\\xf4\\x90\\x80\\x80'); // beyond U+10FFFF
});

test('what was quoted is unquoted to the same name', () => {
  for (const [name, text] of quoted) assert.equal(goUnquote(text), name);
});

test('every escape of Go is understood', () => {
  assert.equal(goUnquote('\\a\\b\\f\\n\\r\\t\\v\\\\\\\'\\"'), '\x07\b\f\n\r\t\v\\\'"');
  assert.equal(goUnquote('\\101\\u00e9\\U0001f9ad'), 'Aé🦭');
  assert.deepEqual([...encodeName(goUnquote('\\xff\\377'))], [0xff, 0xff]);
});

test('any bytes survive quoting and unquoting', () => {
  const random = seededRandom('go-quote');
  for (let round = 0; round < 5000; round += 1) {
    const bytes = Buffer.from(Array.from({ length: random.integer(1, 24) }, () => randomByte(random)));
    const text = goQuote(decodeName(bytes));
    assert.ok(text.isWellFormed(), text);
    assert.deepEqual(encodeName(goUnquote(text)), bytes, bytes.toString('hex'));
  }
});

/** Often a byte that begins or goes on with a UTF-8 sequence, or one that must be escaped. */
const randomByte = (random: ReturnType<typeof seededRandom>): number =>
  random.chance(0.3)
    ? random.pick([0x00, 0x0a, 0x22, 0x5c, 0x78, 0x7f, 0x80, 0xa0, 0xad, 0xbf, 0xc2, 0xe2, 0xed, 0xf0, 0x9f])
    : random.integer(0, 256);
