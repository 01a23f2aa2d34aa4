// Some of many prints, chosen by themselves, each with the segment of rows that has it: enough to tell where in a table a reader is.
import { PrintTable } from './print-table.ts';

/** They take 30 bytes each. */
const mostSamples = 2 ** 20;

export class PrintSamples {
  readonly #mask: number;
  #prints = new PrintTable(1024);
  #segments = new Uint32Array(1025);
  #count = 0;

  /** About one of so many prints, and fewer where that would be too many. */
  constructor(stride: number, expectedRows: number) {
    const most = Math.max(1, stride, (2 * expectedRows) / mostSamples);
    this.#mask = 2 ** Math.floor(Math.log2(most)) - 1;
  }

  /** Remembers where the print is, if it is one of them. */
  add(prints: Uint32Array, at: number, segment: number): void {
    if (!this.#isOne(prints, at) || this.#count === mostSamples) return;
    if (this.#prints.find(prints, at) !== 0) return; // any number of rows may be equal
    this.#count += 1;
    if (this.#count >= this.#segments.length) this.#segments = longer(this.#segments);
    this.#prints.put(this.#count, prints, at);
    this.#segments[this.#count] = segment;
  }

  /** Undefined for a print that is not one of them, and for one that was not there. */
  segmentOf(prints: Uint32Array, at: number): number | undefined {
    const sample = this.#isOne(prints, at) ? this.#prints.find(prints, at) : 0;
    return sample === 0 ? undefined : this.#segments[sample];
  }

  clear(): void {
    this.#prints = new PrintTable(0);
    this.#segments = new Uint32Array(0);
  }

  #isOne(prints: Uint32Array, at: number): boolean {
    return ((prints[at + 2] as number) & this.#mask) === 0;
  }
}

const longer = (array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
  const twice = new Uint32Array(2 * array.length);
  twice.set(array);
  return twice;
};
