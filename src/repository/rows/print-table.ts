// Prints of rows as they are in memory: which entry has a print. Entries are numbered from 1, by whoever puts them there.

/** Words of a print, as lib/row-prints.ts gives them. */
const words = 3;
/** One in five is free at least. */
const slotsAnEntry = 1.25;

export class PrintTable {
  /** By entry, whether it is in the table or not. */
  #prints: Uint32Array<ArrayBuffer>;
  /** The next entry of the same slot; 0 after the last. */
  #after: Uint32Array<ArrayBuffer>;
  /** The one before, and of the first one of a slot the last; 0 for an entry that is not in the table. */
  #before: Uint32Array<ArrayBuffer>;
  /** By hash: its first entry; 0 where there is none. */
  #slots: Uint32Array<ArrayBuffer>;

  /** With room for so many entries; it grows with those that are put. */
  constructor(entries: number) {
    this.#prints = new Uint32Array(words * (entries + 1));
    this.#after = new Uint32Array(entries + 1);
    this.#before = new Uint32Array(entries + 1);
    this.#slots = new Uint32Array(Math.ceil(slotsAnEntry * (entries + 1)));
  }

  /** Puts an entry that is not there, with the print that begins there. */
  put(entry: number, prints: Uint32Array, at: number): void {
    if (entry >= this.#after.length) this.#grow(entry);
    const own = words * entry;
    this.#prints[own] = prints[at] as number;
    this.#prints[own + 1] = prints[at + 1] as number;
    this.#prints[own + 2] = prints[at + 2] as number;
    this.#link(entry);
  }

  /** Of the entries with that print the one that is expected, or else the one that was put first; 0 when there is none. */
  find(prints: Uint32Array, at: number, expected = 0): number {
    if (this.#before[expected] && this.#isPrintOf(expected, prints, at)) return expected;
    let entry = this.#slots[this.#slotOf(prints[at] as number)] as number;
    while (entry !== 0 && !this.#isPrintOf(entry, prints, at)) entry = this.#after[entry] as number;
    return entry;
  }

  /** Takes an entry away, if it is there. */
  remove(entry: number): void {
    const before = this.#before[entry] as number;
    if (before === 0) return;
    const after = this.#after[entry] as number;
    const slot = this.#slotOf(this.#prints[words * entry] as number);
    const first = this.#slots[slot] as number;
    if (first === entry) this.#slots[slot] = after;
    else this.#after[before] = after;
    this.#before[after === 0 ? first : after] = before;
    this.#before[entry] = 0;
  }

  /** To the end: rows that are equal are found in the order in which they were put, each at once. */
  #link(entry: number): void {
    const slot = this.#slotOf(this.#prints[words * entry] as number);
    const first = this.#slots[slot] as number;
    const last = first === 0 ? entry : (this.#before[first] as number);
    if (first === 0) this.#slots[slot] = entry;
    else this.#after[last] = entry;
    this.#after[entry] = 0;
    this.#before[entry] = last;
    if (first !== 0) this.#before[first] = entry;
  }

  #slotOf(word: number): number {
    return Math.floor((word / 2 ** 32) * this.#slots.length);
  }

  #isPrintOf(entry: number, prints: Uint32Array, at: number): boolean {
    const own = words * entry;
    return (
      this.#prints[own] === prints[at] &&
      this.#prints[own + 1] === prints[at + 1] &&
      this.#prints[own + 2] === prints[at + 2]
    );
  }

  #grow(entry: number): void {
    const { length } = this.#after;
    const room = Math.max(2 * length, entry + 1);
    this.#prints = longer(this.#prints, words * room);
    this.#after = longer(this.#after, room);
    this.#before = longer(this.#before, room);
    this.#slots = new Uint32Array(Math.ceil(slotsAnEntry * room));
    for (let known = 1; known < length; known += 1) if (this.#before[known] !== 0) this.#link(known);
  }
}

const longer = (array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> => {
  const more = new Uint32Array(length);
  more.set(array);
  return more;
};
