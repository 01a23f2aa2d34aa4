// Which blobs the repository has, and where: one open-addressed hash table in shared memory, so that the workers
// can tell a new blob from a known one without asking anybody. 52 bytes a slot, at most two thirds full.
import { type BlobLocation, type BlobType, idBytes, idFromHex, type PackEntry } from './blob.ts';

const headerWords = 4;
const wordsPerId = idBytes / 4;
const wordsPerLocation = 4;
const wordsPerSlot = 1 + wordsPerId + wordsPerLocation;
const maximumLoad = 0.66;

const empty = 0;
const writing = 1;
const typeState = { data: 2, tree: 3 } as const;

export class BlobTable {
  readonly shared: SharedArrayBuffer;
  readonly #capacity: number;
  readonly #count: Int32Array;
  readonly #states: Int32Array;
  readonly #ids: Int32Array;
  readonly #locations: Uint32Array;
  readonly #scratch = new Uint8Array(idBytes);
  readonly #scratchWords = new Int32Array(this.#scratch.buffer);

  /** A table for that many blobs, or a view of one that another thread made. */
  constructor(from: number | SharedArrayBuffer) {
    const capacity =
      typeof from === 'number'
        ? 2 ** Math.ceil(Math.log2(Math.max(1024, from / maximumLoad)))
        : (from.byteLength / 4 - headerWords) / wordsPerSlot;
    this.#capacity = capacity;
    this.shared =
      typeof from === 'number' ? new SharedArrayBuffer(4 * (headerWords + capacity * wordsPerSlot)) : from;
    const words = (at: number, length: number): Int32Array => new Int32Array(this.shared, 4 * at, length);
    this.#count = words(0, 1);
    this.#states = words(headerWords, capacity);
    this.#ids = words(headerWords + capacity, capacity * wordsPerId);
    this.#locations = new Uint32Array(
      this.shared,
      4 * (headerWords + capacity * (1 + wordsPerId)),
      capacity * wordsPerLocation,
    );
  }

  get count(): number {
    return Atomics.load(this.#count, 0);
  }

  /** True when `more` blobs would fill it beyond what searches bear. */
  isFullWith(more: number): boolean {
    return this.count + more > this.#capacity * maximumLoad;
  }

  /** Adds the blob; false when it was there already. Safe from several threads at once. */
  claim(id: Uint8Array, type: BlobType): boolean {
    return this.#place(id, type).claimed;
  }

  /** Adds the blob with its place; false when it has one already, which it keeps. `pack` is the caller's number for the pack. */
  put(
    id: Uint8Array,
    type: BlobType,
    pack: number,
    offset: number,
    length: number,
    plainLength: number,
  ): boolean {
    const at = this.#place(id, type).slot * wordsPerLocation;
    if (this.#locations[at] !== 0) return false;
    this.#locations[at] = pack + 1;
    this.#locations[at + 1] = offset;
    this.#locations[at + 2] = length;
    this.#locations[at + 3] = plainLength;
    return true;
  }

  has(id: string, type: BlobType): boolean {
    return this.#find(id, type) >= 0;
  }

  /** The blob's place; undefined when it is unknown or its pack is not stored yet. */
  locate(id: string, type: BlobType): (Omit<BlobLocation, 'pack'> & { readonly pack: number }) | undefined {
    const slot = this.#find(id, type);
    if (slot < 0) return undefined;
    const [pack = 0, offset = 0, length = 0, plainLength = 0] = this.#locations.subarray(
      slot * wordsPerLocation,
      (slot + 1) * wordsPerLocation,
    );
    return pack === 0 ? undefined : { pack: pack - 1, offset, length, plainLength };
  }

  /** How many slots there are: each holds a blob or nothing. */
  get slots(): number {
    return this.#capacity;
  }

  /** The slot of a blob; -1 when it is unknown. Good until the table grows. */
  slotOf(id: string, type: BlobType): number {
    return this.#find(id, type);
  }

  /** The number of the pack that a slot's blob lies in, and its stored length; undefined for an empty slot. */
  placeAt(slot: number): { readonly pack: number; readonly length: number } | undefined {
    const at = slot * wordsPerLocation;
    const pack = this.#locations[at] as number;
    return pack === 0 ? undefined : { pack: pack - 1, length: this.#locations[at + 2] as number };
  }

  /** All that is known of a slot's blob, which must not be empty. */
  entryAt(slot: number): PackEntry {
    const [, offset = 0, length = 0, plainLength = 0] = this.#locations.subarray(
      slot * wordsPerLocation,
      (slot + 1) * wordsPerLocation,
    );
    const id = Buffer.from(this.#ids.buffer, this.#ids.byteOffset + slot * idBytes, idBytes).toString('hex');
    return { id, type: this.#states[slot] === typeState.tree ? 'tree' : 'data', offset, length, plainLength };
  }

  /** A copy with room for that many blobs. Nobody may write to this one meanwhile. */
  grown(blobs: number): BlobTable {
    const larger = new BlobTable(Math.max(blobs, this.count * 2));
    const bytes = new Uint8Array(idBytes);
    const words = new Int32Array(bytes.buffer);
    for (let slot = 0; slot < this.#capacity; slot += 1) {
      const state = this.#states[slot];
      if (state === empty) continue;
      words.set(this.#ids.subarray(slot * wordsPerId, (slot + 1) * wordsPerId));
      const target = larger.#place(bytes, state === typeState.tree ? 'tree' : 'data').slot;
      const location = this.#locations.subarray(slot * wordsPerLocation, (slot + 1) * wordsPerLocation);
      larger.#locations.set(location, target * wordsPerLocation);
    }
    return larger;
  }

  #find(id: string, type: BlobType): number {
    this.#scratch.set(idFromHex(id));
    const wanted = typeState[type];
    const mask = this.#capacity - 1;
    for (let slot = (this.#scratchWords[0] as number) & mask; ; slot = (slot + 1) & mask) {
      const state = Atomics.load(this.#states, slot);
      if (state === empty) return -1;
      if (state === wanted && this.#holds(slot)) return slot;
    }
  }

  #place(id: Uint8Array, type: BlobType): { slot: number; claimed: boolean } {
    this.#scratch.set(id.length === idBytes ? id : id.subarray(0, idBytes));
    const wanted = typeState[type];
    const mask = this.#capacity - 1;
    for (let slot = (this.#scratchWords[0] as number) & mask; ; ) {
      const state = Atomics.compareExchange(this.#states, slot, empty, writing);
      if (state === empty) {
        this.#ids.set(this.#scratchWords, slot * wordsPerId);
        Atomics.store(this.#states, slot, wanted);
        Atomics.add(this.#count, 0, 1);
        return { slot, claimed: true };
      }
      if (state === writing) continue; // another thread is writing its id here: a few nanoseconds
      if (state === wanted && this.#holds(slot)) return { slot, claimed: false };
      slot = (slot + 1) & mask;
    }
  }

  #holds(slot: number): boolean {
    const at = slot * wordsPerId;
    for (let word = 0; word < wordsPerId; word += 1)
      if (this.#ids[at + word] !== this.#scratchWords[word]) return false;
    return true;
  }
}
