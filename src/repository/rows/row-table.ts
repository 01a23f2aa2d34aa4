// The rows of a table by their prints, each with its line, so that whoever reads the table again learns which are still there.

/** Words of a print, as lib/row-prints.ts gives them. */
const words = 3;
/** A third of the slots is free at least. */
const slotsALine = 1.5;

export class RowTable {
  /** By line, whether it is in the table or not. */
  #prints: Uint32Array<ArrayBuffer>;
  /** Of rows that are equal: the line of the next one that is still to be found again; 0 after the last. */
  #next: Uint32Array<ArrayBuffer>;
  /** By hash: the first line with a print; 0 where there is none. */
  #slots: Uint32Array<ArrayBuffer>;
  #inTable = 0;
  #lines = 0;
  readonly #found: { add(line: number): boolean; has(line: number): boolean };

  /** `found` gets the lines of rows that were found again; `expectedLines` saves the memory of growing, where it is right. */
  constructor(found: { add(line: number): boolean; has(line: number): boolean }, expectedLines = 0) {
    this.#found = found;
    const room = Math.ceil(expectedLines * 1.05) + 1024;
    this.#prints = new Uint32Array(words * room);
    this.#next = new Uint32Array(room);
    this.#slots = new Uint32Array(slotsALine * room);
  }

  /** How many lines there are, those that were passed over included. */
  get lines(): number {
    return this.#lines;
  }

  /** Takes the next line, by the print that begins there. */
  add(prints: Uint32Array, at: number): void {
    const line = this.#nextLine();
    for (let word = 0; word < words; word += 1)
      this.#prints[line * words + word] = prints[at + word] as number;
    if (slotsALine * (this.#inTable + 1) > this.#slots.length) this.#growSlots();
    const slot = this.#slotOf(prints, at);
    const first = this.#slots[slot] as number;
    if (first === 0) {
      this.#slots[slot] = line;
      this.#inTable += 1;
    } else {
      this.#next[line] = this.#next[first] as number;
      this.#next[first] = line;
    }
  }

  /** The next line is there, and no row of the table. */
  passOver(): void {
    this.#nextLine();
  }

  /** Finds a row with that print which was not found before; false when there is none. */
  find(prints: Uint32Array, at: number): boolean {
    const first = this.#slots[this.#slotOf(prints, at)] as number;
    if (first === 0) return false;
    if (this.#found.add(first)) return true;
    const line = this.#next[first] as number;
    if (line === 0) return false;
    this.#next[first] = this.#next[line] as number;
    return this.#found.add(line);
  }

  #nextLine(): number {
    this.#lines += 1;
    if (this.#lines >= this.#next.length) {
      this.#next = longer(this.#next);
      this.#prints = longer(this.#prints);
    }
    return this.#lines;
  }

  /** Where the print is, or would be. */
  #slotOf(prints: Uint32Array, at: number): number {
    const { length } = this.#slots;
    let slot = Math.floor(((prints[at] as number) / 2 ** 32) * length);
    for (let line = this.#slots[slot]; line; line = this.#slots[slot]) {
      if (this.#isPrintOf(line, prints, at)) break;
      slot = slot + 1 === length ? 0 : slot + 1;
    }
    return slot;
  }

  #isPrintOf(line: number, prints: Uint32Array, at: number): boolean {
    const own = line * words;
    return (
      this.#prints[own] === prints[at] &&
      this.#prints[own + 1] === prints[at + 1] &&
      this.#prints[own + 2] === prints[at + 2]
    );
  }

  #growSlots(): void {
    const lines = this.#slots;
    this.#slots = new Uint32Array(2 * lines.length);
    for (const line of lines) if (line !== 0) this.#slots[this.#slotOf(this.#prints, line * words)] = line;
  }
}

const longer = (array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
  const twice = new Uint32Array(2 * array.length);
  twice.set(array);
  return twice;
};
