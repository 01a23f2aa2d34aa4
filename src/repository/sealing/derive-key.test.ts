import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveAhead, deriveKey } from './derive-key.ts';

const derivation = { N: 16, r: 1, p: 1, salt: Buffer.from('a salt') };
const keyFile = (changes: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ ...derivation, salt: derivation.salt.toString('base64'), ...changes }));

test('a key that was begun ahead is the one derived, once', async () => {
  const plain = await deriveKey('secret', derivation);
  deriveAhead('secret', keyFile());
  const ahead = deriveKey('secret', derivation);
  const after = deriveKey('secret', derivation);
  assert.deepEqual([await ahead, await after], [plain, plain]);
});

test('ahead of another password or salt nothing is known', async () => {
  deriveAhead('secret', keyFile());
  const other = { ...derivation, salt: Buffer.from('another') };
  const keys = await Promise.all([
    deriveKey('secret', derivation),
    deriveKey('Secret', derivation),
    deriveKey('secret', other),
  ]);
  assert.equal(new Set(keys.map(({ encrypt }) => Buffer.from(encrypt).toString('hex'))).size, 3);
});

test('nothing is begun for what is no key file, or asks too much', () => {
  for (const bytes of [
    Buffer.from('no JSON'),
    Buffer.from('null'),
    Buffer.from('[]'),
    keyFile({ N: '16' }),
    keyFile({ salt: 7 }),
    keyFile({ N: 2 ** 30 }),
    keyFile({ N: 15 }), // no power of two: scrypt refuses, and nobody waits for it
  ])
    deriveAhead('secret', bytes);
});
