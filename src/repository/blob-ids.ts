// The blobs of a file, in order. A large table has millions: packed, each takes 32 bytes in the place of a hundred.
import { idBytes, isId } from './blob.ts';
import { discard } from './seal.ts';

/** Ids of blobs as hex digits: a list of them, or packed. */
export interface BlobIds extends Iterable<string> {
  readonly length: number;
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

  *[Symbol.iterator](): Generator<string> {
    for (let at = 0; at < this.#length; at += 1)
      yield this.#bytes.toString('hex', at * idBytes, (at + 1) * idBytes);
  }

  every(test: (id: string) => boolean): boolean {
    for (const id of this) if (!test(id)) return false;
    return true;
  }

  join(separator?: string): string {
    return [...this].join(separator);
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

const bytesOfJson = 2 * idBytes + 3;
const [quote, comma, closeBracket] = Buffer.from('",]');

/** How long `writeIds` makes them. */
export const jsonLength = (ids: BlobIds): number => Math.max(0, ids.length * bytesOfJson - 1);

/** Writes them as JSON strings with commas between; returns where they end. */
export const writeIds = (ids: BlobIds, into: Buffer, from: number): number => {
  let at = from;
  for (const id of ids) at += into.write(at === from ? `"${id}"` : `,"${id}"`, at, 'latin1');
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
