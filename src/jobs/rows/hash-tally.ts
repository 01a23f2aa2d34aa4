// How many times more often a row came on one side than on the other: of each row its hash is kept, until its like comes.

/** 128 bits, as four words. */
export type RowHash = Int32Array;

const words = 4;
const smallestCapacity = 1 << 12;
const fullness = 0.7;

/** An open-addressed table with linear probing: 20 bytes for each place, and no object for a row. */
export class HashTally {
  #capacity: number;
  #hashes: Int32Array;
  #counts: Int32Array;
  #size = 0;

  /** A power of two. */
  constructor(capacity = smallestCapacity) {
    this.#capacity = capacity;
    this.#hashes = new Int32Array(capacity * words);
    this.#counts = new Int32Array(capacity);
  }

  /** How many different rows are without their like. */
  get size(): number {
    return this.#size;
  }

  /** Above zero for rows that came more often on the first side. */
  count(hash: RowHash): number {
    return this.#counts[this.#slotOf(hash)] as number;
  }

  /** Adds to the count of a row. */
  add(hash: RowHash, by: number): void {
    const slot = this.#slotOf(hash);
    const before = this.#counts[slot] as number;
    this.#counts[slot] = before + by;
    if (before === 0) {
      this.#hashes.set(hash, slot * words);
      this.#size += 1;
      if (this.#size > this.#capacity * fullness) this.#grow();
    } else if (before + by === 0) this.#remove(slot);
  }

  /** The rows without their like. A hash is valid until the next is asked for. */
  *entries(): Generator<readonly [hash: RowHash, count: number]> {
    for (const [slot, count] of this.#counts.entries())
      if (count !== 0) yield [this.#hashes.subarray(slot * words, (slot + 1) * words), count];
  }

  /** Where the row is, or would be. */
  #slotOf(hash: RowHash): number {
    const mask = this.#capacity - 1;
    for (let slot = (hash[0] as number) & mask; ; slot = (slot + 1) & mask)
      if (this.#counts[slot] === 0 || this.#isAt(slot, hash)) return slot;
  }

  #isAt(slot: number, hash: RowHash): boolean {
    const at = slot * words;
    for (let word = 0; word < words; word += 1) if (this.#hashes[at + word] !== hash[word]) return false;
    return true;
  }

  /** Those behind it move up, so that none is behind a gap. */
  #remove(slot: number): void {
    const mask = this.#capacity - 1;
    let gap = slot;
    this.#counts[gap] = 0;
    this.#size -= 1;
    for (let next = (gap + 1) & mask; this.#counts[next] !== 0; next = (next + 1) & mask) {
      const home = (this.#hashes[next * words] as number) & mask;
      if (((next - home) & mask) < ((next - gap) & mask)) continue; // it would be before its home
      this.#hashes.copyWithin(gap * words, next * words, (next + 1) * words);
      this.#counts[gap] = this.#counts[next] as number;
      this.#counts[next] = 0;
      gap = next;
    }
  }

  #grow(): void {
    const larger = new HashTally(this.#capacity * 2);
    for (const [hash, count] of this.entries()) larger.add(hash, count);
    this.#capacity = larger.#capacity;
    this.#hashes = larger.#hashes;
    this.#counts = larger.#counts;
  }
}
