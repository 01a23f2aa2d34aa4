// Rows off the wire as lines that LOAD DATA takes in: fields end in a tab, rows in a newline, NULL is \N, and a backslash stands
// before what else would be taken for one of these. The bytes of a field are the column's own, in its own character set.
import { headerBytes, longestPayload, marker, outOfOrder } from './packets.ts';

const newline = '\n'.charCodeAt(0);
const tab = '\t'.charCodeAt(0);
const backslash = '\\'.charCodeAt(0);

/** The letter that stands after a backslash for a byte; 0 for bytes that stand for themselves. */
const escapes = new Uint8Array(256);
for (const [byte, letter] of [
  ['\0', '0'],
  ['\t', 't'],
  ['\n', 'n'],
  ['\\', '\\'],
] as const)
  escapes[byte.charCodeAt(0)] = letter.charCodeAt(0);

/** The most bytes that one byte of the wire can become: NULL is one there. */
export const largestGrowth = 3;

/**
 * Turns packets with rows into text, wherever reads cut them: a row of any length passes through without being held. Ends with
 * the payload of the packet that ends the rows, an EOF or an error.
 */
export class RowText {
  readonly #columns: number;
  /** The number of the packet that comes next. */
  #sequence: number;
  #rows = 0;
  /** The payload of the packet under way that is still to come, and whether the row goes on in the next. */
  #payloadLeft = 0;
  #continues = false;
  /** Of a header that a read cut in two. */
  #headerLeft = headerBytes;
  #header = 0;
  #inRow = false;
  #field = 0;
  #fieldLeft = 0;
  /** Bytes still to come of a field's length. */
  #lengthLeft = 0;
  #lengthScale = 1;
  #ending: Buffer[] | undefined;

  constructor(columns: number, sequence: number) {
    this.#columns = columns;
    this.#sequence = sequence;
  }

  /** How many rows have come. */
  get rows(): number {
    return this.#rows;
  }

  /** The last packet's payload; undefined before it has come. */
  get end(): Buffer | undefined {
    return this.#ending && this.#payloadLeft === 0 && this.#headerLeft === headerBytes
      ? Buffer.concat(this.#ending)
      : undefined;
  }

  /** Appends the text of a read to `out` and gives the position after it. There must be room for `largestGrowth` times its length. */
  take(read: Buffer, out: Buffer, from: number): number {
    let at = 0;
    let to = from;
    while (at < read.length) {
      if (this.#payloadLeft === 0) {
        if (this.#ending) throw new Error('the server goes on after the end of its rows');
        at = this.#takeHeader(read, at);
        if (this.#headerLeft > 0) return to;
        this.#headerLeft = headerBytes;
        if (this.#payloadLeft === 0) to = this.#endPacket(out, to); // a payload of no bytes ends a row of whole packets
        continue;
      }
      const end = Math.min(read.length, at + this.#payloadLeft);
      this.#payloadLeft -= end - at;
      if (!this.#inRow && !this.#ending) this.#begin(read[at] ?? 0);
      if (this.#ending) this.#ending.push(Buffer.from(read.subarray(at, end)));
      else to = this.#takeFields(read, at, end, out, to);
      at = end;
      if (this.#payloadLeft === 0) to = this.#endPacket(out, to);
    }
    return to;
  }

  #takeHeader(read: Buffer, start: number): number {
    let at = start;
    if (this.#headerLeft === headerBytes) this.#header = 0;
    for (; this.#headerLeft > 0 && at < read.length; at += 1) {
      if (this.#headerLeft > 1) this.#header |= (read[at] ?? 0) << (8 * (headerBytes - this.#headerLeft));
      else if (read[at] !== this.#sequence) throw outOfOrder();
      this.#headerLeft -= 1;
    }
    if (this.#headerLeft === 0) {
      this.#sequence = (this.#sequence + 1) & 0xff;
      this.#payloadLeft = this.#header;
      this.#continues = this.#header === longestPayload;
    }
    return at;
  }

  #begin(first: number): void {
    const ends = first === marker.error || (first === marker.eof && this.#header < 9);
    if (ends) this.#ending = [];
    else this.#inRow = true;
  }

  #endPacket(out: Buffer, to: number): number {
    if (this.#continues || !this.#inRow) return to;
    if (this.#field !== this.#columns || this.#fieldLeft > 0 || this.#lengthLeft > 0)
      throw new Error('a row of the server ends before its last column');
    this.#inRow = false;
    this.#field = 0;
    this.#rows += 1;
    out[to] = newline;
    return to + 1;
  }

  #takeFields(read: Buffer, start: number, end: number, out: Buffer, from: number): number {
    let at = start;
    let to = from;
    let left = this.#lengthLeft === 0 ? this.#fieldLeft : 0;
    while (at < end) {
      if (left > 0) {
        const stop = left < end - at ? at + left : end;
        left -= stop - at;
        for (; at < stop; at += 1) {
          const byte = read[at] as number;
          const letter = escapes[byte] as number;
          if (letter !== 0) out[to++] = backslash;
          out[to++] = letter === 0 ? byte : letter;
        }
      } else if (this.#lengthLeft > 0) {
        this.#fieldLeft += (read[at++] as number) * this.#lengthScale;
        this.#lengthScale *= 256;
        this.#lengthLeft -= 1;
        if (this.#lengthLeft === 0) left = this.#fieldLeft;
      } else {
        const first = read[at++] as number;
        if (this.#field > 0) out[to++] = tab;
        this.#field += 1;
        if (this.#field > this.#columns) throw new Error('a row of the server goes on after its last column');
        if (first < marker.infile) left = first;
        else if (first === marker.infile) {
          out[to++] = backslash;
          out[to++] = 'N'.charCodeAt(0);
        } else {
          this.#lengthLeft = first === 0xfc ? 2 : first === 0xfd ? 3 : 8;
          this.#lengthScale = 1;
          this.#fieldLeft = 0;
        }
      }
    }
    if (this.#lengthLeft === 0) this.#fieldLeft = left;
    return to;
  }
}
