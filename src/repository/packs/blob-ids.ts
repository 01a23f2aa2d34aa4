// The blobs of a file, in order. A large table has millions: packed, each takes 32 bytes in the place of a hundred.

import { discard } from '../sealing/seal.ts';
import { idBytes, idFromHex, isId } from './blob.ts';

/** Ids of blobs as hex digits: a list of them, or packed. */
export interface BlobIds extends Iterable<string> {
  readonly length: number;
  /** Those from one to before another. */
  slice(from: number, to: number): Iterable<string>;
  every(test: (id: string) => boolean): boolean;
  join(separator?: string): string;
}

export class PackedIds implements BlobIds {
  #bytes: Buffer;
  #length = 0;

  /** With room for so many; it grows with those that are set. */
  constructor(expected = 1) {
    this.#bytes = Buffer.allocUnsafe(expected * idBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** Sets an id; those before it may follow later. */
  set(at: number, id: Uint8Array): void {
    const start = at * idBytes;
    if (start >= this.#bytes.length) this.#grow(start);
    this.#bytes.set(id, start);
    this.#length = Math.max(this.#length, at + 1);
  }

  [Symbol.iterator](): Generator<string> {
    return this.slice(0, this.#length);
  }

  *slice(from: number, to: number): Generator<string> {
    for (let at = from; at < Math.min(to, this.#length); at += 1)
      yield this.#bytes.toString('hex', at * idBytes, (at + 1) * idBytes);
  }

  every(test: (id: string) => boolean): boolean {
    for (const id of this) if (!test(id)) return false;
    return true;
  }

  join(separator?: string): string {
    return [...this].join(separator);
  }

  /** A copy of all of them, one after the other, in memory of its own. */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.subarray(0, this.#length * idBytes));
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafe(2 * bytes);
    larger.set(this.#bytes);
    discard(this.#bytes);
    this.#bytes = larger;
  }
}

/** The same blobs in the same order; of what has no list both must have none. */
export const areSameIds = (some: BlobIds | undefined, others: BlobIds | undefined): boolean => {
  if (some === others) return true;
  if (some?.length !== others?.length) return false;
  const other = (others ?? [])[Symbol.iterator]();
  return (some ?? []).every((id) => id === other.next().value);
};

/** They one after the other, 32 bytes each, in memory of its own. */
export const packIds = (ids: BlobIds): Uint8Array<ArrayBuffer> => {
  if (ids instanceof PackedIds) return ids.copy();
  const packed = new PackedIds(ids.length);
  let at = 0;
  for (const id of ids) packed.set(at++, idFromHex(id));
  return packed.copy();
};

const bytesOfJson = 2 * idBytes + 3;
const [quote, comma, closeBracket] = Buffer.from('",]');
const digits = Buffer.from('0123456789abcdef');

/** How long `writeIds` makes them. */
export const jsonLength = (packed: Uint8Array): number =>
  Math.max(0, (packed.length / idBytes) * bytesOfJson - 1);

/** Writes packed ids as JSON strings with commas between; returns where they end. */
export const writeIds = (packed: Uint8Array, into: Uint8Array, from: number): number => {
  let at = from;
  for (let start = 0; start < packed.length; start += idBytes) {
    if (start > 0) into[at++] = comma as number;
    into[at++] = quote as number;
    for (let index = start; index < start + idBytes; index += 1) {
      const byte = packed[index] as number;
      into[at++] = digits[byte >> 4] as number;
      into[at++] = digits[byte & 15] as number;
    }
    into[at++] = quote as number;
  }
  return at;
};

/** Reads what `writeIds` wrote, up to the bracket that must follow; undefined when it is anything else. */
export const readIds = (json: Buffer, from: number): { ids: PackedIds; end: number } | undefined => {
  const ids = new PackedIds(Math.ceil((json.length - from) / bytesOfJson));
  for (let at = from; json[at] === quote && json[at + bytesOfJson - 2] === quote; at += bytesOfJson) {
    const id = json.toString('latin1', at + 1, at + 1 + 2 * idBytes);
    if (!isId(id)) return undefined;
    ids.set(ids.length, Buffer.from(id, 'hex'));
    const end = at + bytesOfJson - 1;
    if (json[end] === closeBracket) return { ids, end };
    if (json[end] !== comma) return undefined;
  }
  return undefined;
};
