// The rows of a table by their prints, each with its number, so that whoever reads the table again learns which are still there.

/** Words of a print, as lib/row-prints.ts gives them. */
const words = 3;
/** A third of the slots is free at least. */
const slotsARow = 1.5;

export class RowTable {
  /** By number, whether it is in the table or not. */
  #prints: Uint32Array<ArrayBuffer>;
  /** Of rows that are equal: the number of the next one that is still to be found again; 0 after the last. */
  #next: Uint32Array<ArrayBuffer>;
  /** By hash: the first row with a print; 0 where there is none. */
  #slots: Uint32Array<ArrayBuffer>;
  #inTable = 0;
  #rows = 0;
  readonly #found: { add(row: number): boolean; has(row: number): boolean };

  /** `found` gets the numbers of rows that were found again; `expectedRows` saves the memory of growing, where it is right. */
  constructor(found: { add(row: number): boolean; has(row: number): boolean }, expectedRows = 0) {
    this.#found = found;
    const room = Math.ceil(expectedRows * 1.05) + 1024;
    this.#prints = new Uint32Array(words * room);
    this.#next = new Uint32Array(room);
    this.#slots = new Uint32Array(slotsARow * room);
  }

  /** How many rows there are, those that were passed over included. */
  get rows(): number {
    return this.#rows;
  }

  /** Takes the next row, by the print that begins there. */
  add(prints: Uint32Array, at: number): void {
    const row = this.#nextRow();
    for (let word = 0; word < words; word += 1)
      this.#prints[row * words + word] = prints[at + word] as number;
    if (slotsARow * (this.#inTable + 1) > this.#slots.length) this.#growSlots();
    const slot = this.#slotOf(prints, at);
    const first = this.#slots[slot] as number;
    if (first === 0) {
      this.#slots[slot] = row;
      this.#inTable += 1;
    } else {
      this.#next[row] = this.#next[first] as number;
      this.#next[first] = row;
    }
  }

  /** The next row is there, and not in the table. */
  passOver(): void {
    this.#nextRow();
  }

  /** Finds a row with that print which was not found before; false when there is none. */
  find(prints: Uint32Array, at: number): boolean {
    const first = this.#slots[this.#slotOf(prints, at)] as number;
    if (first === 0) return false;
    if (this.#found.add(first)) return true;
    const row = this.#next[first] as number;
    if (row === 0) return false;
    this.#next[first] = this.#next[row] as number;
    return this.#found.add(row);
  }

  #nextRow(): number {
    this.#rows += 1;
    if (this.#rows >= this.#next.length) {
      this.#next = longer(this.#next);
      this.#prints = longer(this.#prints);
    }
    return this.#rows;
  }

  /** Where the print is, or would be. */
  #slotOf(prints: Uint32Array, at: number): number {
    const { length } = this.#slots;
    let slot = Math.floor(((prints[at] as number) / 2 ** 32) * length);
    for (let row = this.#slots[slot]; row; row = this.#slots[slot]) {
      if (this.#isPrintOf(row, prints, at)) break;
      slot = slot + 1 === length ? 0 : slot + 1;
    }
    return slot;
  }

  #isPrintOf(row: number, prints: Uint32Array, at: number): boolean {
    const own = row * words;
    return (
      this.#prints[own] === prints[at] &&
      this.#prints[own + 1] === prints[at + 1] &&
      this.#prints[own + 2] === prints[at + 2]
    );
  }

  #growSlots(): void {
    const rows = this.#slots;
    this.#slots = new Uint32Array(2 * rows.length);
    for (const row of rows) if (row !== 0) this.#slots[this.#slotOf(this.#prints, row * words)] = row;
  }
}

const longer = (array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
  const twice = new Uint32Array(2 * array.length);
  twice.set(array);
  return twice;
};
