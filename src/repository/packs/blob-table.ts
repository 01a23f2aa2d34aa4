// Which blobs the repository has, and where: in shared memory, so that the workers can tell a new blob from a known one
// without asking anybody. Entries lie one after another, 48 bytes each, in parts that are added as they are needed; an
// open-addressed hash table of their numbers finds them.
import { type BlobLocation, type BlobType, idBytes, type PackEntry } from './blob.ts';

/** The memory of a table, for other threads. */
export interface SharedBlobs {
  readonly count: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly parts: readonly SharedArrayBuffer[];
}

const partBits = 16;
const partEntries = 2 ** partBits;
const partMask = partEntries - 1;
const maximumLoad = 0.66;
/** A backup finds or makes room for so many new blobs: growing takes longer the more there are, and nobody can use the table meanwhile. */
export const roomForNewBlobs = 131_072;

// A slot holds twice the entry's number plus 2, and 1 more for a tree.
const empty = 0;
const writing = -1;

// Words of an entry: the id, twice the number of the pack plus 2 (0 for none yet) and 1 more for a tree, and the place.
const idWords = idBytes / 4;
const packWord = idWords;
const offsetWord = idWords + 1;
const lengthWord = idWords + 2;
const plainLengthWord = idWords + 3;
const entryWords = idWords + 4;

const typeBit = { data: 0, tree: 1 } as const;

export class BlobTable {
  readonly #count: Int32Array;
  #slots: Int32Array;
  readonly #parts: Uint32Array[];
  readonly #wanted = Buffer.from(new ArrayBuffer(idBytes));
  readonly #wantedWords = new Uint32Array(this.#wanted.buffer);

  /** A table for that many blobs, or a view of one that another thread made. */
  constructor(from: number | SharedBlobs) {
    if (typeof from === 'number') {
      this.#count = new Int32Array(new SharedArrayBuffer(4));
      this.#slots = slotsFor(from);
      this.#parts = [];
      this.#addParts(from);
    } else {
      this.#count = new Int32Array(from.count);
      this.#slots = new Int32Array(from.slots);
      this.#parts = from.parts.map((part) => new Uint32Array(part));
    }
  }

  /** For other threads, until the table grows. */
  get shared(): SharedBlobs {
    const memoryOf = ({ buffer }: Int32Array | Uint32Array): SharedArrayBuffer => buffer as SharedArrayBuffer;
    return {
      count: memoryOf(this.#count),
      slots: memoryOf(this.#slots),
      parts: this.#parts.map(memoryOf),
    };
  }

  /** How many blobs it has: their entries are numbered from 0. */
  get count(): number {
    return Atomics.load(this.#count, 0);
  }

  /** True when there is no room for `more` blobs, or searches would take too long. */
  isFullWith(more: number): boolean {
    const blobs = this.count + more;
    return blobs > this.#slots.length * maximumLoad || blobs > this.#parts.length * partEntries;
  }

  /** Makes room for that many blobs in all. No other thread may use the table meanwhile, nor before it has `shared` anew. */
  grow(blobs: number): void {
    this.#addParts(blobs);
    if (blobs <= this.#slots.length * maximumLoad) return;
    const slots = slotsFor(blobs);
    const mask = slots.length - 1;
    for (let number = 0; number < this.count; number += 1) {
      const { part, at } = this.#entry(number);
      let slot = (part[at] as number) & mask;
      while (slots[slot] !== empty) slot = (slot + 1) & mask;
      slots[slot] = slotValue(number, (part[at + packWord] as number) & 1);
    }
    this.#slots = slots;
  }

  /** Adds the blob; false when it was there already. Safe from several threads at once. */
  claim(id: Uint8Array, type: BlobType): boolean {
    this.#wanted.set(id);
    return this.#place(type).claimed;
  }

  /** Adds the blob with its place; false when it has one already, which it keeps. `pack` is the caller's number for the pack. */
  put({ id, type, offset, length, plainLength }: PackEntry, pack: number): boolean {
    this.#wanted.write(id, 'hex');
    const { part, at } = this.#entry(this.#place(type).number);
    if ((part[at + packWord] as number) > 1) return false;
    part[at + packWord] = slotValue(pack, typeBit[type]);
    part[at + offsetWord] = offset;
    part[at + lengthWord] = length;
    part[at + plainLengthWord] = plainLength;
    return true;
  }

  has(id: string, type: BlobType): boolean {
    return this.numberOf(id, type) >= 0;
  }

  /** The blob's place; undefined when it is unknown or its pack is not stored yet. */
  locate(id: string, type: BlobType): (Omit<BlobLocation, 'pack'> & { readonly pack: number }) | undefined {
    const number = this.numberOf(id, type);
    return number < 0 ? undefined : this.placeAt(number);
  }

  /** The number of a blob's entry; -1 when it is unknown. */
  numberOf(id: string, type: BlobType): number {
    this.#wanted.write(id, 'hex');
    const mask = this.#slots.length - 1;
    for (let slot = (this.#wantedWords[0] as number) & mask; ; slot = (slot + 1) & mask) {
      const value = Atomics.load(this.#slots, slot);
      if (value === empty) return -1;
      if (this.#isWanted(value, type)) return numberIn(value);
    }
  }

  /** The place of an entry's blob; undefined while its pack is not stored. */
  placeAt(number: number): (Omit<BlobLocation, 'pack'> & { readonly pack: number }) | undefined {
    const { part, at } = this.#entry(number);
    const pack = numberIn(part[at + packWord] as number);
    if (pack < 0) return undefined;
    return {
      pack,
      offset: part[at + offsetWord] as number,
      length: part[at + lengthWord] as number,
      plainLength: part[at + plainLengthWord] as number,
    };
  }

  /** The number of the pack that an entry's blob lies in; -1 while that is not stored. */
  packAt(number: number): number {
    const { part, at } = this.#entry(number);
    return numberIn(part[at + packWord] as number);
  }

  /** What an entry says of its blob. */
  entryAt(number: number): PackEntry {
    const { part, at } = this.#entry(number);
    return {
      id: Buffer.from(part.buffer, 4 * at, idBytes).toString('hex'),
      type: (part[at + packWord] as number) & 1 ? 'tree' : 'data',
      offset: part[at + offsetWord] as number,
      length: part[at + lengthWord] as number,
      plainLength: part[at + plainLengthWord] as number,
    };
  }

  #addParts(blobs: number): void {
    while (this.#parts.length * partEntries < Math.max(1, blobs))
      this.#parts.push(new Uint32Array(new SharedArrayBuffer(4 * entryWords * partEntries)));
  }

  #entry(number: number): { readonly part: Uint32Array; readonly at: number } {
    return { part: this.#parts[number >>> partBits] as Uint32Array, at: (number & partMask) * entryWords };
  }

  /** The entry of the wanted id, which is made where there is none. */
  #place(type: BlobType): { readonly number: number; readonly claimed: boolean } {
    const mask = this.#slots.length - 1;
    for (let slot = (this.#wantedWords[0] as number) & mask; ; ) {
      const value = Atomics.compareExchange(this.#slots, slot, empty, writing);
      if (value === empty) {
        const number = Atomics.add(this.#count, 0, 1);
        const { part, at } = this.#entry(number);
        part.set(this.#wantedWords, at);
        part[at + packWord] = typeBit[type];
        Atomics.store(this.#slots, slot, slotValue(number, typeBit[type]));
        return { number, claimed: true };
      }
      if (value === writing) continue; // another thread is writing its id here: a few nanoseconds
      if (this.#isWanted(value, type)) return { number: numberIn(value), claimed: false };
      slot = (slot + 1) & mask;
    }
  }

  #isWanted(slotValue: number, type: BlobType): boolean {
    if (slotValue === writing || (slotValue & 1) !== typeBit[type]) return false;
    const { part, at } = this.#entry(numberIn(slotValue));
    for (let word = 0; word < idWords; word += 1)
      if (part[at + word] !== this.#wantedWords[word]) return false;
    return true;
  }
}

const slotsFor = (blobs: number): Int32Array => {
  const slots = 2 ** Math.ceil(Math.log2(Math.max(1024, blobs / maximumLoad)));
  return new Int32Array(new SharedArrayBuffer(4 * slots));
};

const slotValue = (number: number, bit: number): number => 2 * (number + 1) + bit;

/** -1 for a value that has no number. */
const numberIn = (value: number): number => (value >>> 1) - 1;
