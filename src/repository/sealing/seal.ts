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

const ivBytes = 16;
const macBytes = 16;
export const overheadBytes = ivBytes + macBytes;
/** Of AES: the counter in an IV grows by one with each. */
const blockBytes = 16;

/** The tree of a folder of large tables is large, and need not lie in memory twice. */
const pieceBytes = 1024 * 1024;
/** What is opened together is gathered in so much memory, which a core has near. */
const gatheredBytes = 64 * 1024;
/** One-time keys are made for so many seals in one call. */
const keysAtOnce = 256;

/** Sealed bytes in an authenticator's memory. */
export interface SealedPlace {
  readonly offset: number;
  readonly length: number;
}

/** Where the next of several plaintexts lies that are sealed together, after `bytes` of those before it. */
export const nextStaged = (bytes: number): number => Math.ceil(bytes / blockBytes) * blockBytes;

/** The three keys that seal: 32 bytes to encrypt, 16 + 16 to authenticate. */
export interface SealKey {
  readonly encrypt: Uint8Array;
  readonly macK: Uint8Array;
  readonly macR: Uint8Array;
}

export class Sealer {
  readonly #key: KeyObject;
  readonly #macCipher: Cipheriv;
  readonly #blockCipher: Cipheriv;
  #counters = new DataView(new ArrayBuffer(0));
  readonly #oneTimeKey = Buffer.alloc(32);
  readonly #random = Buffer.alloc(65_536);
  readonly #mac = Buffer.alloc(macBytes);
  #randomAt = this.#random.length;
  #scratch: Poly1305 | undefined;
  #gathered: Uint8Array | undefined;

  constructor(key: SealKey) {
    this.#key = createSecretKey(key.encrypt);
    this.#macCipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    this.#blockCipher = createCipheriv('aes-256-ecb', this.#key, null).setAutoPadding(false);
    this.#oneTimeKey.set(key.macR, 0);
  }

  /** Seals into `poly.buffer` at `offset`, which must have room for the plaintext and 32 bytes; returns the bytes written. */
  sealInto(poly: Poly1305, offset: number, plain: Uint8Array): number {
    return this.sealPieces(poly, offset, (take) => take(plain));
  }

  /** The same for a plaintext that is not in memory as a whole: `give` has all of it taken. */
  sealPieces(poly: Poly1305, offset: number, give: (take: (plain: Uint8Array) => void) => void): number {
    const iv = poly.buffer.subarray(offset, offset + ivBytes);
    iv.set(this.#randomIv());
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

  /**
   * Seals plaintexts that lie in `staged`, each at `nextStaged` of the one before, into these places of `poly.buffer`. To begin a cipher
   * takes as long as to encrypt some KiB, so the key stream is made for all at once. Each IV is random all the same: by IVs that had
   * something in common whoever reads the store would see where blobs begin, and so how large single files are.
   */
  sealStaged(poly: Poly1305, places: readonly SealedPlace[], staged: Uint8Array): void {
    const ivs = Buffer.alloc(places.length * ivBytes);
    for (const [index, { offset }] of places.entries()) {
      const iv = this.#randomIv();
      ivs.set(iv, index * ivBytes);
      poly.buffer.set(iv, offset);
    }
    const sealed = this.#underKeyStream(ivs, places, staged);
    const keys = this.#macCipher.update(ivs);
    let at = 0;
    for (const [index, { offset, length }] of places.entries()) {
      const end = at + length - overheadBytes;
      poly.buffer.set(sealed.subarray(at, end), offset + ivBytes);
      at = nextStaged(end);
      const oneTimeKey = this.#oneTimeKeyOf(keys, index);
      poly.mac(offset + ivBytes, length - overheadBytes, oneTimeKey, poly.buffer, offset + length - macBytes);
    }
    discard(sealed);
  }

  /**
   * AES-256-CTR, there and back, of texts that lie at `nextStaged` of each other in `texts`, which begins at a multiple of four bytes: each
   * with its own of the IVs.
   */
  #underKeyStream(ivs: Buffer, places: readonly SealedPlace[], texts: Uint8Array): Uint8Array {
    if (this.#counters.byteLength < texts.length)
      this.#counters = new DataView(new ArrayBuffer(texts.length));
    const counters = this.#counters;
    let at = 0;
    for (const [index, { length }] of places.entries()) {
      const iv = index * ivBytes;
      let first = ivs.readInt32BE(iv);
      let second = ivs.readInt32BE(iv + 4);
      let third = ivs.readInt32BE(iv + 8);
      let fourth = ivs.readInt32BE(iv + 12);
      for (const end = nextStaged(at + length - overheadBytes); at < end; at += blockBytes) {
        counters.setInt32(at, first);
        counters.setInt32(at + 4, second);
        counters.setInt32(at + 8, third);
        counters.setInt32(at + 12, fourth);
        fourth = (fourth + 1) | 0;
        if (fourth !== 0) continue;
        third = (third + 1) | 0;
        if (third !== 0) continue;
        second = (second + 1) | 0;
        if (second === 0) first = (first + 1) | 0;
      }
    }
    const stream = this.#blockCipher.update(new Uint8Array(counters.buffer, 0, at));
    const words = new Uint32Array(stream.buffer, stream.byteOffset, at / 4);
    const textWords = new Uint32Array(texts.buffer, texts.byteOffset, at / 4);
    for (let word = 0; word < words.length; word += 1)
      words[word] = (words[word] as number) ^ (textWords[word] as number);
    return stream;
  }

  /**
   * Opens what lies in these places of `poly.buffer`: `take` is given the plaintext of each, valid until it returns, or undefined where
   * the MAC does not fit. Small ones are opened together.
   */
  openEach<T extends SealedPlace>(
    poly: Poly1305,
    places: readonly T[],
    take: (plain: Uint8Array | undefined, place: T) => void,
  ): void {
    for (let from = 0; from < places.length; from += keysAtOnce)
      this.#openSome(poly, places.slice(from, from + keysAtOnce), take);
  }

  #openSome<T extends SealedPlace>(
    poly: Poly1305,
    places: readonly T[],
    take: (plain: Uint8Array | undefined, place: T) => void,
  ): void {
    const ivs = Buffer.alloc(places.length * ivBytes);
    for (const [index, { offset }] of places.entries())
      ivs.set(poly.buffer.subarray(offset, offset + ivBytes), index * ivBytes);
    const keys = this.#macCipher.update(ivs);
    let together: T[] = [];
    let bytes = 0;
    const openTogether = (end: number): void => {
      this.#openRun(poly, together, ivs.subarray((end - together.length) * ivBytes, end * ivBytes), take);
      together = [];
      bytes = 0;
    };
    for (const [index, place] of places.entries()) {
      if (!this.#isWhole(poly, place, this.#oneTimeKeyOf(keys, index))) {
        openTogether(index);
        take(undefined, place);
        continue;
      }
      const plainBytes = place.length - overheadBytes;
      if (bytes + plainBytes > gatheredBytes) openTogether(index);
      together.push(place);
      bytes = nextStaged(bytes + plainBytes);
    }
    openTogether(places.length);
  }

  /** Opens places with these IVs: one, or several that fit into what is gathered. */
  #openRun<T extends SealedPlace>(
    poly: Poly1305,
    places: readonly T[],
    ivs: Buffer,
    take: (plain: Uint8Array, place: T) => void,
  ): void {
    const [first] = places;
    if (!first) return;
    if (places.length === 1) {
      const plain = this.#decipher(ivs).update(encryptedIn(poly, first));
      take(plain, first);
      discard(plain);
      return;
    }
    this.#gathered ??= new Uint8Array(gatheredBytes);
    let at = 0;
    for (const place of places) {
      this.#gathered.set(encryptedIn(poly, place), at);
      at = nextStaged(at + place.length - overheadBytes);
    }
    const plain = this.#underKeyStream(ivs, places, this.#gathered.subarray(0, at));
    at = 0;
    for (const place of places) {
      const end = at + place.length - overheadBytes;
      take(plain.subarray(at, end), place);
      at = nextStaged(end);
    }
    discard(plain);
  }

  /** The plaintext of sealed bytes that lie in `poly.buffer`, a MiB at a time, each valid until the next; undefined when the MAC does not fit. */
  piecesFrom(poly: Poly1305, place: SealedPlace): Iterable<Uint8Array> | undefined {
    const iv = poly.buffer.subarray(place.offset, place.offset + ivBytes);
    if (!this.#isWhole(poly, place, this.#oneTimeKeyFor(iv))) return undefined;
    return eachDeciphered(this.#decipher(iv), encryptedIn(poly, place));
  }

  #isWhole(poly: Poly1305, { offset, length }: SealedPlace, oneTimeKey: Uint8Array): boolean {
    if (length < overheadBytes || offset + length > poly.buffer.length) return false;
    poly.mac(offset + ivBytes, length - overheadBytes, oneTimeKey, this.#mac, 0);
    return equalBytes(this.#mac, poly.buffer, offset + length - macBytes);
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

  /** Valid until the next. */
  #randomIv(): Buffer {
    if (this.#randomAt === this.#random.length) {
      randomFillSync(this.#random);
      this.#randomAt = 0;
    }
    this.#randomAt += ivBytes;
    return this.#random.subarray(this.#randomAt - ivBytes, this.#randomAt);
  }

  #oneTimeKeyFor(iv: Uint8Array): Uint8Array {
    return this.#oneTimeKeyOf(this.#macCipher.update(iv), 0);
  }

  /** `encrypted`: IVs under the MAC's own key; of that one. Valid until the next. */
  #oneTimeKeyOf(encrypted: Buffer, index: number): Uint8Array {
    this.#oneTimeKey.set(encrypted.subarray(index * ivBytes, (index + 1) * ivBytes), 16);
    return this.#oneTimeKey;
  }
}

const encryptedIn = (poly: Poly1305, { offset, length }: SealedPlace): Uint8Array =>
  poly.buffer.subarray(offset + ivBytes, offset + length - macBytes);

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
