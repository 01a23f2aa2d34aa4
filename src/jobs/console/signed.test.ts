import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { makeSigningKey, publicKeyOf, sign, verify, verifyOrder } from './signed.ts';

const own = makeSigningKey();
const other = makeSigningKey();
const bulletin = '{"site":"north"}';
const signed = Buffer.from(sign(bulletin, 'bulletin', own.pem));

test('a bulletin with the signature of its site is its own, by whichever of its keys', () => {
  for (const keys of [[own.publicKey], [other.publicKey, own.publicKey]]) {
    const verified = verify(signed, keys);
    assert.deepEqual([Buffer.from(verified.bulletin).toString(), verified.signature], [bulletin, 'good']);
  }
});

test('where no key of its site is known, a bulletin is read with and without a signature', () => {
  const unsigned = verify(Buffer.from(bulletin), []);
  assert.deepEqual([Buffer.from(unsigned.bulletin).toString(), unsigned.signature], [bulletin, 'none']);
  const unchecked = verify(signed, []);
  assert.deepEqual(
    [Buffer.from(unchecked.bulletin).toString(), unchecked.signature],
    [bulletin, 'unchecked'],
  );
});

test('what is no signature does not pass for one that nobody can check', () => {
  assert.throws(() => verify(Buffer.from(`${bulletin}\nhello\n`), []), /its signature is cut short/);
});

test('a bulletin without a signature, or with that of another site, is refused', () => {
  assert.throws(() => verify(Buffer.from(bulletin), [own.publicKey]), /^HoldfastError: it is not signed, /);
  assert.throws(() => verify(signed, [other.publicKey]), /its signature is not of its site/);
});

test('no bulletin cut short, and none of which a bit was changed, is its own', () => {
  for (let length = 0; length < signed.length; length += 1)
    assert.throws(() => verify(signed.subarray(0, length), [own.publicKey]), HoldfastError, `${length}`);
  for (let bit = 0; bit < signed.length * 8; bit += 1) {
    const changed = Buffer.from(signed);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(() => verify(changed, [own.publicKey]), HoldfastError, `${bit}`);
  }
  assert.throws(() => verify(Buffer.concat([signed, signed]), [own.publicKey]), HoldfastError);
});

test('no order cut short, and none of which a bit was changed, is the console’s', () => {
  const order = Buffer.from(sign('{"jobs":["nightly"]}', 'order', own.pem));
  const keys = [other.publicKey, own.publicKey];
  assert.equal(Buffer.from(verifyOrder(order, keys)).toString(), '{"jobs":["nightly"]}');
  for (let length = 0; length < order.length; length += 1)
    assert.throws(() => verifyOrder(order.subarray(0, length), keys), HoldfastError, `${length}`);
  for (let bit = 0; bit < order.length * 8; bit += 1) {
    const changed = Buffer.from(order);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(() => verifyOrder(changed, keys), HoldfastError, `${bit}`);
  }
  assert.throws(() => verifyOrder(order, [other.publicKey]), /its signature is of nobody/);
  assert.throws(() => verifyOrder(order, []), /its signature is of nobody/);
});

test('an order does not pass for a bulletin, nor a bulletin for an order', () => {
  const order = Buffer.from(sign(bulletin, 'order', own.pem));
  assert.throws(() => verify(order, [own.publicKey]), /its signature is not of its site/);
  assert.throws(() => verifyOrder(signed, [own.publicKey]), /its signature is of nobody/);
});

test('a signature that the same key made of the same bytes for something else is none', () => {
  const elsewhere = signBytes(null, Buffer.from(bulletin), createPrivateKey(own.pem)).toString('base64');
  assert.throws(
    () => verify(Buffer.from(`${bulletin}\ned25519 ${elsewhere}\n`), [own.publicKey]),
    /its signature is not of its site/,
  );
});

test('a public key is one line, and the same whenever it is asked for', () => {
  assert.match(own.publicKey, /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}$/);
  assert.equal(publicKeyOf(own.pem), own.publicKey);
  assert.notEqual(other.publicKey, own.publicKey);
});

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const notToSignWith: readonly (readonly [what: string, pem: string])[] = [
  ['an RSA key', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pkcs8).toString()],
  ['a key of another curve', generateKeyPairSync('x25519').privateKey.export(pkcs8).toString()],
  ['a public key', own.publicKey],
  ['half a key', own.pem.slice(0, 60)],
  ['a key without its last line', own.pem.split('\n').slice(0, 2).join('\n')],
  [
    'a key with a passphrase',
    createPrivateKey(own.pem)
      .export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString(),
  ],
  [
    'a key of OpenSSH',
    '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n',
  ],
  ['something else', 'correct-horse'],
];
for (const [what, pem] of notToSignWith)
  test(`${what} signs no bulletin, and nothing of it is repeated`, () => {
    for (const use of [() => sign(bulletin, 'bulletin', pem), () => publicKeyOf(pem)])
      assert.throws(use, (error: unknown) => {
        assert.ok(error instanceof HoldfastError && error.code === 'CONFIG_INVALID');
        assert.match(`${error.message} ${error.hint}`, /^the signing key is .* --new-key/);
        assert.ok(pem.split('\n').every((line) => line === '' || !error.message.includes(line)));
        return true;
      });
  });
