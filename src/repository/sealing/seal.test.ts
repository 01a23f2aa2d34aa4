import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { poly1305 as oracle } from '@noble/ciphers/_poly1305.js';
import { seededRandom } from '#lib/random.ts';
import { randomData } from '../chunker/testing.ts';
import { createPoly1305, type Poly1305 } from './poly1305.ts';
import { nextStaged, overheadBytes, type SealedPlace, Sealer, type SealKey } from './seal.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

const key: SealKey = { encrypt: randomData(32, 1), macK: randomData(16, 2), macR: randomData(16, 3) };
const sealer = new Sealer(key);

// D. J. Bernstein, «The Poly1305-AES message-authentication code», appendix B: r, k, n, m, the tag.
const macVectors = [
  [
    '851fc40c3467ac0be05cc20404f3f700',
    'ec074c835580741701425b623235add6',
    'fb447350c4e868c52ac3275cf9d4327e',
    'f3f6',
    'f4c633c3044fc145f84f335cb81953de',
  ],
  [
    'a0f3080000f46400d0c7e9076c834403',
    '75deaa25c09f208e1dc4ce6b5cad3fbf',
    '61ee09218d29b0aaed7e154a2c5509cc',
    '',
    'dd3fab2251f11ac759f0887129cc2ee7',
  ],
  [
    '48443d0bb0d21109c89a100b5ce2c208',
    '6acb5f61a7176dd320c5c1eb2edcdc74',
    'ae212a55399729595dea458bc621ff0e',
    '663cea190ffb83d89593f3f476b6bc24 d7e679107ea26adb8caf6652d0656136',
    '0ee1c16bb73f0f4fd19881753c01cdbe',
  ],
  [
    '12976a08c4426d0ce8a82407c4f48207',
    'e1a5668a4d5b66a5f68cc5424ed5982d',
    '9ae831e743978d3a23527c7128149e3a',
    'ab0812724a7f1e342742cbed374d94d1 36c6b8795d45b3819830f2c04491faf0 990c62e48b8018b2c3e4a0fa3134cb67 fa83e158c994d961c4cb21095c1bf9',
    '5154ad0d2cb26e01274fc51148491f1b',
  ],
] as const;

test('what Poly1305-AES authenticates in its own vectors is opened', () => {
  for (const [r, k, n, m, tag] of macVectors) {
    const vector = new Sealer({ encrypt: key.encrypt, macK: hex(k), macR: hex(r) });
    const sealed = Buffer.concat([hex(n), hex(m), hex(tag)]);
    assert.equal(vector.tryOpen(sealed)?.length, hex(m).length);
    sealed[sealed.length - 1]! ^= 1;
    assert.equal(vector.tryOpen(sealed), undefined);
  }
});

test('the plaintext of NIST SP 800-38A, F.5.5 (AES-256 in counter mode) comes back', () => {
  const encrypt = hex('603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4');
  const iv = hex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff');
  const cipher = hex('601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5');
  const sealed = Buffer.concat([iv, cipher, macOf({ ...key, encrypt }, iv, cipher)]);
  assert.deepEqual(
    new Sealer({ ...key, encrypt }).tryOpen(sealed),
    hex('6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51'),
  );
});

test('sealed bytes are IV, ciphertext and authentication code, as an oracle computes them', () => {
  for (const length of [0, 1, 15, 16, 17, 1000, 70_000]) {
    const plain = randomData(length, length);
    const sealed = sealer.seal(plain);
    assert.equal(sealed.length, length + overheadBytes);
    const iv = sealed.subarray(0, 16);
    const cipher = createCipheriv('aes-256-ctr', key.encrypt, iv).update(plain);
    assert.deepEqual(sealed.subarray(16), Buffer.concat([cipher, macOf(key, iv, cipher)]));
    assert.deepEqual(sealer.open(sealed, 'it'), Buffer.from(plain));
  }
});

test('no two seals share an IV', () => {
  const ivs = Array.from({ length: 10_000 }, () => sealer.seal(new Uint8Array(1)).toString('hex', 0, 16));
  assert.equal(new Set(ivs).size, ivs.length);
  assert.ok(!ivs.includes('00'.repeat(16)));
});

test('every flipped bit and every cut is noticed', () => {
  const sealed = sealer.seal(randomData(40, 4));
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    sealed[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(sealer.tryOpen(sealed), undefined, `bit ${bit}`);
    sealed[bit >> 3]! ^= 1 << (bit & 7);
  }
  for (let length = 0; length < sealed.length; length += 1)
    assert.equal(sealer.tryOpen(sealed.subarray(0, length)), undefined, `${length} bytes`);
  assert.throws(() => sealer.open(sealed.subarray(1), 'keys/x'), {
    code: 'REPOSITORY_DAMAGED',
    message: /^keys\/x is damaged/,
  });
});

test('another key opens nothing', () => {
  const sealed = sealer.seal(randomData(40, 5));
  assert.equal(new Sealer({ ...key, macK: randomData(16, 6) }).tryOpen(sealed), undefined);
  assert.equal(new Sealer({ ...key, macR: randomData(16, 7) }).tryOpen(sealed), undefined);
});

test('bytes are sealed and opened where they lie, between others that are not touched', () => {
  const random = seededRandom('seal');
  const poly = createPoly1305(100_000);
  const around = Buffer.from(poly.buffer.fill(0xab));
  for (let round = 0; round < 50; round += 1) {
    const plain = randomData(random.integer(0, 5000), round);
    const offset = random.integer(0, 90_000);
    const length = sealer.sealInto(poly, offset, plain);
    assert.deepEqual(openedFrom(poly, [{ offset, length }]), [Buffer.from(plain)]);
    poly.buffer.fill(0xab, offset, offset + length);
    assert.ok(around.equals(poly.buffer), 'something else was overwritten');
  }
});

/** Seals texts of these lengths together, some bytes apart; gives what they are and where they lie. */
const sealedTogether = (poly: Poly1305, lengths: readonly number[]) => {
  const plains = lengths.map((length, at) => Buffer.from(randomData(length, at)));
  const staged = Buffer.alloc(200_000);
  let [used, offset] = [0, 0];
  const places = plains.map((plain) => {
    plain.copy(staged, used);
    used = nextStaged(used + plain.length);
    const place = { offset: offset + 7, length: plain.length + overheadBytes };
    offset = place.offset + place.length;
    return place;
  });
  sealer.sealStaged(poly, places, staged.subarray(0, used));
  return { plains, places };
};

const openedFrom = (poly: Poly1305, places: readonly SealedPlace[]): (Buffer | undefined)[] => {
  const opened: (Buffer | undefined)[] = [];
  sealer.openEach(poly, places, (plain) => opened.push(plain && Buffer.from(plain)));
  return opened;
};

test('what is sealed together is each opened alone, by whoever knows the format', () => {
  const poly = createPoly1305(200_000);
  const { plains, places } = sealedTogether(poly, [0, 1, 15, 16, 17, 4096, 5000, 16_384]);
  const sealed = places.map(({ offset, length }) =>
    Buffer.from(poly.buffer.subarray(offset, offset + length)),
  );
  assert.deepEqual(
    sealed.map((bytes) => sealer.tryOpen(bytes)),
    plains,
  );
  for (const [at, bytes] of sealed.entries()) {
    const [iv, cipher] = [bytes.subarray(0, 16), bytes.subarray(16, -16)];
    assert.deepEqual(bytes.subarray(-16), macOf(key, iv, cipher));
    assert.deepEqual(createCipheriv('aes-256-ctr', key.encrypt, iv).update(plains[at] as Buffer), cipher);
  }
});

test('the IVs of what is sealed together have nothing in common by which anybody saw where it begins', () => {
  const poly = createPoly1305(200_000);
  const { places } = sealedTogether(poly, [33, 16, 0, 15, 48, 1]);
  const ivs = places.map(({ offset }) => Buffer.from(poly.buffer.subarray(offset, offset + 16)));
  for (const [from, to] of [
    [0, 8],
    [4, 12],
    [8, 16],
  ])
    assert.equal(new Set(ivs.map((iv) => iv.toString('hex', from, to))).size, places.length);
});

test('small blobs are opened together whose IVs somebody chose so that the counter overflows', () => {
  const poly = createPoly1305(10_000);
  const plains = Array.from({ length: 40 }, (_, at) => Buffer.from(randomData((at % 4) * 50, at)));
  const places = plains.map((plain, at) => {
    const iv = Buffer.alloc(16, at).fill(0xff, [0, 4, 8, 12, 16][at % 5]);
    iv[15] = 0xff - (at % 4);
    const cipher = createCipheriv('aes-256-ctr', key.encrypt, iv).update(plain);
    const sealed = Buffer.concat([iv, cipher, macOf(key, iv, cipher)]);
    poly.buffer.set(sealed, at * 250);
    return { offset: at * 250, length: sealed.length };
  });
  assert.deepEqual(openedFrom(poly, places), plains);
});

test('one of several that is damaged is alone in being refused, whatever it is among', () => {
  const poly = createPoly1305(400_000);
  const lengths = Array.from({ length: 40 }, (_, at) => 137 * at);
  const { plains, places } = sealedTogether(poly, lengths);
  for (const [damaged, { offset, length }] of places.entries()) {
    poly.buffer[offset + (damaged % length)]! ^= 1;
    const expected = plains.map((plain, at) => (at === damaged ? undefined : plain));
    assert.deepEqual(openedFrom(poly, places), expected);
    poly.buffer[offset + (damaged % length)]! ^= 1;
  }
});

test('a place that reaches beyond what is there is refused alone, too', () => {
  const poly = createPoly1305(1000);
  const length = sealer.sealInto(poly, 900, Buffer.from('whole'));
  const places = [900, 995, 2000].map((offset) => ({ offset, length }));
  assert.deepEqual(openedFrom(poly, places), [Buffer.from('whole'), undefined, undefined]);
});

test('seals in any order, and of any size, are opened', () => {
  const random = seededRandom('places');
  const poly = createPoly1305(1_500_000);
  const sizes = Array.from({ length: 600 }, () => random.integer(0, 300));
  const { plains, places } = sealedTogether(poly, sizes);
  const large = Buffer.from(randomData(100_000, 1));
  places.push({ offset: 600_000, length: sealer.sealInto(poly, 600_000, large) });
  plains.push(large);
  const order = places.map((_, at) => at).sort(() => random.integer(-1, 1));
  assert.deepEqual(
    openedFrom(
      poly,
      order.map((at) => places[at] as SealedPlace),
    ),
    order.map((at) => plains[at]),
  );
});

const macOf = ({ macK, macR }: SealKey, iv: Uint8Array, cipher: Uint8Array): Buffer => {
  const nonce = createCipheriv('aes-128-ecb', macK, null).setAutoPadding(false).update(iv);
  return Buffer.from(oracle(cipher, Buffer.concat([macR, nonce])));
};
