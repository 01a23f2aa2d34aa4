import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poly1305 as oracle } from '@noble/ciphers/_poly1305.js';
import { randomData } from '../chunker/testing.ts';
import { createPoly1305 } from './poly1305.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

const text = Buffer.from(
  'Any submission to the IETF intended by the Contributor for publication as all or part of an IETF Internet-Draft or RFC and any statement made within the context of an IETF activity is considered an "IETF Contribution". Such statements include oral statements in IETF sessions, as well as written and electronic communications made at any time or place, which are addressed to',
);

// RFC 8439, section 2.5.2 and appendix A.3 (those that are not all text).
const vectors: readonly (readonly [key: string, message: Buffer, tag: string])[] = [
  [
    '85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b',
    Buffer.from('Cryptographic Forum Research Group'),
    'a8061dc1305136c6c22b8baf0c0127a9',
  ],
  ['00'.repeat(32), Buffer.alloc(64), '00'.repeat(16)],
  [`${'00'.repeat(16)}36e5f6b5c5e06070f0efca96227a863e`, text, '36e5f6b5c5e06070f0efca96227a863e'],
  [`36e5f6b5c5e06070f0efca96227a863e${'00'.repeat(16)}`, text, 'f3477e7cd95417af89a6b8794c310cf0'],
  [`02${'00'.repeat(31)}`, hex('ff'.repeat(16)), `03${'00'.repeat(15)}`],
  [`02${'00'.repeat(15)}${'ff'.repeat(16)}`, hex(`02${'00'.repeat(15)}`), `03${'00'.repeat(15)}`],
  [
    `01${'00'.repeat(31)}`,
    hex(`${'ff'.repeat(16)} f0${'ff'.repeat(15)} 11${'00'.repeat(15)}`),
    `05${'00'.repeat(15)}`,
  ],
  [
    `01${'00'.repeat(31)}`,
    hex(`${'ff'.repeat(16)} fb${'fe'.repeat(15)} ${'01'.repeat(16)}`),
    '00'.repeat(16),
  ],
  [`02${'00'.repeat(31)}`, hex(`fd${'ff'.repeat(15)}`), `fa${'ff'.repeat(15)}`],
  [
    `0100000000000000 0400000000000000 ${'00'.repeat(16)}`,
    hex(
      'e33594d7505e43b9 00000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000000000000000000000000000',
    ),
    '14000000000000005500000000000000',
  ],
  [
    `0100000000000000 0400000000000000 ${'00'.repeat(16)}`,
    hex('e33594d7505e43b9 00000000000000003394d7505e4379cd010000000000000000000000000000000000000000000000'),
    `13${'00'.repeat(15)}`,
  ],
];

const poly = createPoly1305(100_000);

let seed = 0;
const randomBytes = (length: number): Buffer => {
  seed += 1;
  return randomData(length, seed);
};

const macOf = (message: Uint8Array, key: Uint8Array, offset = 0): Buffer => {
  const tag = Buffer.alloc(16);
  poly.buffer.set(message, offset);
  poly.mac(offset, message.length, key, tag, 0);
  return tag;
};

test('the tags are those of RFC 8439', () => {
  for (const [key, message, tag] of vectors)
    assert.equal(macOf(message, hex(key)).toString('hex'), hex(tag).toString('hex'));
});

test('messages of every length at any offset have the tag another implementation gives', () => {
  for (let length = 0; length < 600; length += 1) {
    const key = randomBytes(32);
    const message = length % 3 === 0 ? Buffer.alloc(length, 0xff) : randomBytes(length);
    assert.deepEqual(macOf(message, key, length % 40), Buffer.from(oracle(message, key)), `${length} bytes`);
  }
});

test('keys and blocks of ones only, where every carry happens, are taken right', () => {
  for (const r of ['ff'.repeat(16), `fb${'ff'.repeat(15)}`, 'fcffff0f'.repeat(4)])
    for (const length of [15, 16, 48, 64, 65, 128, 1024, 99_999]) {
      const key = hex(r + 'ff'.repeat(16));
      const message = Buffer.alloc(length, 0xff);
      assert.deepEqual(macOf(message, key), Buffer.from(oracle(message, key)));
    }
});

test('the tag may be written behind the message in the same buffer', () => {
  const key = randomBytes(32);
  const message = randomBytes(5000);
  poly.buffer.set(message, 7);
  poly.mac(7, message.length, key, poly.buffer, 7 + message.length);
  assert.deepEqual(Buffer.from(poly.buffer.subarray(5007, 5023)), Buffer.from(oracle(message, key)));
});

test('verifying takes messages longer than the buffer, and refuses one flipped bit', () => {
  const small = createPoly1305(1000);
  const key = randomBytes(32);
  for (const length of [0, 1, 16, 991, 992, 993, 1984, 50_001]) {
    const message = randomBytes(length);
    const tag = oracle(message, key);
    assert.equal(small.verify(message, key, tag), true);
    assert.equal(small.verify(message, key, tag.subarray(0, 15)), false);
    for (const changed of [message, tag, key]) {
      if (changed.length === 0) continue;
      // Clamping takes some bits of r away, so of the key one of s is flipped.
      const position = changed === key ? 16 + (length % 16) : length % changed.length;
      changed[position] = (changed[position] as number) ^ 2;
      assert.equal(small.verify(message, key, tag), false);
      changed[position] = (changed[position] as number) ^ 2;
    }
  }
});

test('what lies outside the buffer, and a key of another length, are refused', () => {
  const tag = new Uint8Array(16);
  assert.throws(() => poly.mac(99_000, 1001, randomBytes(32), tag, 0), RangeError);
  assert.throws(() => poly.mac(-1, 10, randomBytes(32), tag, 0), RangeError);
  assert.throws(() => poly.mac(0, 10, randomBytes(31), tag, 0), RangeError);
});
