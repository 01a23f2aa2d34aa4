// The rows of a table by their prints, each with its number, so that whoever reads the table again learns which are still there.
//
// Of more rows than are held at once, those are held that are likely to come next. Rows lie in segments, by their numbers. A print in a
// hundred or so is remembered with its segment for good (print-samples.ts): a row that is not found, and whose print is one of these, tells
// which segment the reader has come to; a row that is found tells that the next segments are wanted, too. What was of no use for the
// longest time goes. So what is held follows the reader through each layer, and over any number of rows that are gone, are new, or lie
// elsewhere now. A row that comes when its segment is not held counts as new: its table takes a little more room then, and is none the less right.
import { PrintSamples } from './print-samples.ts';
import { PrintTable } from './print-table.ts';
import type { RowNumbers } from './row-numbers.ts';

export interface RowTableOptions {
  /** About how many rows come: saves the memory of growing, where it is right. */
  readonly expectedRows: number;
  /** So many are held at once. */
  readonly mostRows: number;
}

/** Segments that follow each other, counted from 0. */
export interface Run {
  readonly first: number;
  readonly last: number;
}

/** About so many segments are held. */
const segmentsHeld = 512;
const smallestSegment = 16;
/** Of the prints of a segment about so many are remembered. */
const samplesASegment = 64;
/** So many segments after the one in which a row was found are wanted, if there is room. */
const mostAhead = 16;
/** So often are all segments read at most: rows that are in another order now are not sought for ever. */
const mostReads = 3;

export class RowTable {
  /** A segment takes this many entries. */
  readonly segmentRows: number;
  readonly #shift: number;
  readonly #prints: PrintTable;
  readonly #found: RowNumbers;
  readonly #samples: PrintSamples;
  #rows = 0;
  #passedOver = 0;
  /** By segment: how many rows are to be found yet. */
  #left = new Uint16Array(1024);
  /** Segments in which layers begin. */
  readonly #beginnings = new Set<number>();
  /** By frame, the place of a segment: which it is. */
  readonly #segments: Int32Array;
  /** By frame: when it was of use. */
  readonly #used: Float64Array;
  #clock = 0;
  /** By segment: its frame, or -1. Empty as long as all rows are held. */
  #frames = new Int32Array(0);
  #lastFrame = -1;
  /** The entry after the one that was found last: of rows that are equal, that one is meant. */
  #expected = 0;
  readonly #wanted = new Set<number>();
  #ahead = 1;
  #readsLeft = 0;

  /** `found` gets the numbers of rows that were found again; those that it has already are not sought. */
  constructor(found: RowNumbers, { expectedRows, mostRows }: RowTableOptions) {
    this.#shift = Math.floor(Math.log2(Math.max(smallestSegment, mostRows / segmentsHeld)));
    this.segmentRows = 2 ** this.#shift;
    const frames = Math.max(2, Math.floor(mostRows / this.segmentRows));
    this.#segments = Int32Array.from({ length: frames }, (_, frame) => frame);
    this.#used = Float64Array.from({ length: frames }, (_, frame) => -frame); // the last ones are needed last
    const most = frames * this.segmentRows;
    this.#prints = new PrintTable(Math.min(most, Math.ceil(expectedRows * 1.05) + 1024));
    this.#found = found;
    this.#samples = new PrintSamples(this.segmentRows / samplesASegment, expectedRows);
  }

  /** How many rows came. */
  get rows(): number {
    return this.#rows;
  }

  /** Whether the next row is the first one of a segment. */
  get isAtSegment(): boolean {
    return (this.#rows & (this.segmentRows - 1)) === 0;
  }

  /** How many of them were found before. */
  get passedOver(): number {
    return this.#passedOver;
  }

  /** Takes the next row, by the print that begins there. */
  add(prints: Uint32Array, at: number): void {
    const segment = this.#rows >>> this.#shift;
    this.#rows += 1;
    if (segment >= this.#left.length) this.#left = longer(this.#left);
    if (this.#found.has(this.#rows)) {
      this.#passedOver += 1;
      return;
    }
    this.#left[segment] = (this.#left[segment] as number) + 1;
    if (segment < this.#segments.length) this.#prints.put(this.#rows, prints, at);
    this.#samples.add(prints, at, segment);
  }

  /** The next row is the first one of a layer. */
  beginLayer(): void {
    this.#beginnings.add(this.#rows >>> this.#shift);
  }

  /** No more rows are to come. */
  end(): void {
    const segments = Math.ceil(this.#rows / this.segmentRows);
    const frames = this.#segments.length;
    if (segments <= frames) {
      this.#samples.clear();
      return;
    }
    this.#frames = new Int32Array(segments).fill(-1);
    for (const frame of this.#segments) this.#frames[frame] = frame;
    this.#ahead = Math.min(mostAhead, Math.max(1, Math.floor(frames / (2 * this.#beginnings.size)) - 1));
    this.#readsLeft = mostReads * segments;
    for (const segment of this.#beginnings) this.#want(segment);
  }

  /** Whether not all rows are held at once. */
  get slides(): boolean {
    return this.#frames.length > 0;
  }

  /** Finds a row with that print which was not found before; false when there is none among those that are held. */
  find(prints: Uint32Array, at: number): boolean {
    const entry = this.#prints.find(prints, at, this.#expected);
    if (entry === 0) {
      if (this.slides) this.#miss(prints, at);
      return false;
    }
    this.#prints.remove(entry);
    this.#expected = entry + 1;
    this.#found.add(this.slides ? this.#hit(entry) : entry);
    return true;
  }

  get wants(): boolean {
    return this.#wanted.size > 0;
  }

  /** The segments whose rows are to be put. */
  takeWanted(): Run[] {
    const runs: { first: number; last: number }[] = [];
    for (const segment of [...this.#wanted].sort((a, b) => a - b)) {
      const run = runs.at(-1);
      if (run?.last === segment - 1) run.last = segment;
      else runs.push({ first: segment, last: segment });
    }
    this.#wanted.clear();
    return runs;
  }

  /** Puts a row of a segment that was wanted, by its number; the segment's first one comes first. */
  put(row: number, prints: Uint32Array, at: number): void {
    const segment = (row - 1) >>> this.#shift;
    const within = (row - 1) & (this.segmentRows - 1);
    if (within === 0) this.#hold(segment);
    const frame = this.#frames[segment] as number;
    if (frame >= 0 && !this.#found.has(row))
      this.#prints.put(frame * this.segmentRows + within + 1, prints, at);
  }

  /** The number of the row that was found at the entry. */
  #hit(entry: number): number {
    const frame = (entry - 1) >>> this.#shift;
    const segment = this.#segments[frame] as number;
    this.#left[segment] = (this.#left[segment] as number) - 1;
    if (frame !== this.#lastFrame) this.#reach(frame, segment);
    return segment * this.segmentRows + ((entry - 1) & (this.segmentRows - 1)) + 1;
  }

  #miss(prints: Uint32Array, at: number): void {
    const segment = this.#samples.segmentOf(prints, at);
    if (segment === undefined) return;
    this.#want(segment);
    this.#want(segment + 1);
  }

  /** The reader has come to another segment, or back to it. */
  #reach(frame: number, segment: number): void {
    this.#lastFrame = frame;
    this.#used[frame] = ++this.#clock;
    this.#touch(segment + 1);
    // Several are wanted at once, and seldom: each run costs a request.
    if (!this.#lacks(segment + 1) && !this.#lacks(segment + Math.ceil(this.#ahead / 2))) return;
    for (let next = segment + 1; next <= segment + this.#ahead; next += 1) {
      this.#touch(next);
      this.#want(next);
    }
  }

  /** It is not to go now, if it is held. */
  #touch(segment: number): void {
    const frame = this.#frames[segment] ?? -1;
    if (frame >= 0) this.#used[frame] = this.#clock;
  }

  #want(segment: number): void {
    if (this.#readsLeft === 0 || !this.#lacks(segment) || this.#wanted.has(segment)) return;
    this.#wanted.add(segment);
    this.#readsLeft -= 1;
  }

  /** Whether it is not held, and has rows that are to be found. */
  #lacks(segment: number): boolean {
    return this.#frames[segment] === -1 && this.#left[segment] !== 0;
  }

  /** Lets another one go for it. */
  #hold(segment: number): void {
    const frame = this.#leastUsed();
    const first = frame * this.segmentRows + 1;
    for (let entry = first; entry < first + this.segmentRows; entry += 1) this.#prints.remove(entry);
    this.#frames[this.#segments[frame] as number] = -1;
    this.#segments[frame] = segment;
    this.#frames[segment] = frame;
    this.#used[frame] = ++this.#clock;
    this.#lastFrame = -1;
  }

  #leastUsed(): number {
    let least = 0;
    for (const [frame, segment] of this.#segments.entries()) {
      if (this.#left[segment] === 0) return frame;
      if ((this.#used[frame] as number) < (this.#used[least] as number)) least = frame;
    }
    return least;
  }
}

const longer = (array: Uint16Array<ArrayBuffer>): Uint16Array<ArrayBuffer> => {
  const twice = new Uint16Array(2 * array.length);
  twice.set(array);
  return twice;
};
