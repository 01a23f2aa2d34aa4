// How everything in a repository is encrypted: IV(16) || AES-256-CTR ciphertext || Poly1305-AES(16) over the ciphertext.
// Source: restic's design document, «Keys, Encryption and MAC».
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type Decipheriv,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import { HoldfastError } from '#lib/errors.ts';
import { createPoly1305, type Poly1305 } from './poly1305.ts';

export const ivBytes = 16;
export const macBytes = 16;
export const overheadBytes = ivBytes + macBytes;

/** The tree of a folder of large tables is large, and need not lie in memory twice. */
const pieceBytes = 1024 * 1024;

/** The three keys that seal: 32 bytes to encrypt, 16 + 16 to authenticate. */
export interface SealKey {
  readonly encrypt: Uint8Array;
  readonly macK: Uint8Array;
  readonly macR: Uint8Array;
}

export class Sealer {
  readonly #key: KeyObject;
  readonly #macCipher: Cipheriv;
  readonly #oneTimeKey = Buffer.alloc(32);
  readonly #random = Buffer.alloc(65_536);
  readonly #mac = Buffer.alloc(macBytes);
  #randomAt = this.#random.length;
  #scratch: Poly1305 | undefined;

  constructor(key: SealKey) {
    this.#key = createSecretKey(key.encrypt);
    this.#macCipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    this.#oneTimeKey.set(key.macR, 0);
  }

  /** Seals into `poly.buffer` at `offset`, which must have room for the plaintext and 32 bytes; returns the bytes written. */
  sealInto(poly: Poly1305, offset: number, plain: Uint8Array): number {
    return this.sealPieces(poly, offset, (take) => take(plain));
  }

  /** The same for a plaintext that is not in memory as a whole: `give` has all of it taken. */
  sealPieces(poly: Poly1305, offset: number, give: (take: (plain: Uint8Array) => void) => void): number {
    const iv = poly.buffer.subarray(offset, offset + ivBytes);
    this.#fillIv(iv);
    const cipher = createCipheriv('aes-256-ctr', this.#key, iv);
    const start = offset + ivBytes;
    let end = start;
    give((plain) => {
      for (let at = 0; at < plain.length; at += pieceBytes) {
        const sealed = cipher.update(plain.subarray(at, at + pieceBytes));
        poly.buffer.set(sealed, end);
        end += sealed.length;
        discard(sealed);
      }
    });
    poly.mac(start, end - start, this.#oneTimeKeyFor(iv), poly.buffer, end);
    return end - offset + macBytes;
  }

  /** The plaintext of sealed bytes that lie in `poly.buffer`; undefined when the MAC does not fit. */
  openFrom(poly: Poly1305, offset: number, length: number): Buffer | undefined {
    const encrypted = this.#encryptedIn(poly, offset, length);
    return encrypted && this.#decipher(poly.buffer.subarray(offset, offset + ivBytes)).update(encrypted);
  }

  /** The same, a MiB at a time; each piece is valid until the next. */
  piecesFrom(poly: Poly1305, offset: number, length: number): Iterable<Uint8Array> | undefined {
    const encrypted = this.#encryptedIn(poly, offset, length);
    return (
      encrypted && eachDeciphered(this.#decipher(poly.buffer.subarray(offset, offset + ivBytes)), encrypted)
    );
  }

  #encryptedIn(poly: Poly1305, offset: number, length: number): Uint8Array | undefined {
    if (length < overheadBytes) return undefined;
    const start = offset + ivBytes;
    const end = offset + length - macBytes;
    poly.mac(start, end - start, this.#oneTimeKeyFor(poly.buffer.subarray(offset, start)), this.#mac, 0);
    return equalBytes(this.#mac, poly.buffer, end) ? poly.buffer.subarray(start, end) : undefined;
  }

  #decipher(iv: Uint8Array): Decipheriv {
    return createDecipheriv('aes-256-ctr', this.#key, iv);
  }

  seal(plain: Uint8Array): Buffer {
    const poly = this.#scratchFor(plain.length + overheadBytes);
    return Buffer.from(poly.buffer.subarray(0, this.sealInto(poly, 0, plain)));
  }

  /** Throws REPOSITORY_DAMAGED, naming `what`, when the MAC does not fit. */
  open(sealed: Uint8Array, what: string): Buffer {
    const plain = this.tryOpen(sealed);
    if (plain) return plain;
    throw new HoldfastError(
      'REPOSITORY_DAMAGED',
      `${what} is damaged: its authentication code does not fit`,
      {
        hint: 'run `holdfast check --read-data` to learn what else is damaged',
      },
    );
  }

  tryOpen(sealed: Uint8Array): Buffer | undefined {
    if (sealed.length < overheadBytes) return undefined;
    const end = sealed.length - macBytes;
    const iv = sealed.subarray(0, ivBytes);
    const encrypted = sealed.subarray(ivBytes, end);
    const isWhole = this.#scratchFor(0).verify(encrypted, this.#oneTimeKeyFor(iv), sealed.subarray(end));
    return isWhole ? this.#decipher(iv).update(encrypted) : undefined;
  }

  #scratchFor(length: number): Poly1305 {
    if (!this.#scratch || this.#scratch.buffer.length < length)
      this.#scratch = createPoly1305(Math.max(65_536, 2 ** Math.ceil(Math.log2(length))));
    return this.#scratch;
  }

  #fillIv(iv: Uint8Array): void {
    if (this.#randomAt === this.#random.length) {
      randomFillSync(this.#random);
      this.#randomAt = 0;
    }
    iv.set(this.#random.subarray(this.#randomAt, this.#randomAt + ivBytes));
    this.#randomAt += ivBytes;
  }

  #oneTimeKeyFor(iv: Uint8Array): Uint8Array {
    this.#oneTimeKey.set(this.#macCipher.update(iv), 16);
    return this.#oneTimeKey;
  }
}

function* eachDeciphered(decipher: Decipheriv, encrypted: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < encrypted.length; at += pieceBytes) {
    const plain = decipher.update(encrypted.subarray(at, at + pieceBytes));
    yield plain;
    discard(plain);
  }
}

/**
 * Gives memory back that nobody will look at again. Left to the collector of garbage, what ciphers put out piles up to 64 MiB in
 * each thread, and makes it collect everything each time.
 */
export const discard = (bytes: Uint8Array): void => {
  if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.length)
    bytes.buffer.transfer(0);
};

/** Compares without telling by its time where the first difference lies. */
const equalBytes = (mac: Uint8Array, bytes: Uint8Array, at: number): boolean => {
  let difference = 0;
  for (let index = 0; index < mac.length; index += 1)
    difference |= (mac[index] as number) ^ (bytes[at + index] as number);
  return difference === 0;
};
