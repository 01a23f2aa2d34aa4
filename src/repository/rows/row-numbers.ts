// Rows of a file by their numbers, the first of which is 1: a bit each, and as a file with one number a line.
import { HoldfastError } from '#lib/errors.ts';

/** Fewer rows than this are in a file in layers, whoever made it: a list takes 128 MiB at most. */
export const mostRowNumbers = 2 ** 30;
const zero = 0x30;
const newline = 0x0a;

export class RowNumbers {
  #bits = new Uint8Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(row: number): boolean {
    return ((this.#bits[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }

  /** False when it was there. */
  add(row: number): boolean {
    if (row >>> 3 >= this.#bits.length) this.#grow(row >>> 3);
    if (this.has(row)) return false;
    this.#bits[row >>> 3] = (this.#bits[row >>> 3] as number) | (1 << (row & 7));
    this.#size += 1;
    return true;
  }

  #grow(byte: number): void {
    const larger = new Uint8Array(2 ** Math.ceil(Math.log2(byte + 1)));
    larger.set(this.#bits);
    this.#bits = larger;
  }
}

/** The file: pieces of about 64 KiB. The numbers must ascend. */
export function* formatRowNumbers(rows: Iterable<number>): Generator<Uint8Array> {
  let piece: string[] = [];
  for (const row of rows) {
    piece.push(`${row}\n`);
    if (piece.length < 8192) continue;
    yield Buffer.from(piece.join(''), 'latin1');
    piece = [];
  }
  if (piece.length > 0) yield Buffer.from(piece.join(''), 'latin1');
}

/** Adds the rows of such files, one after the other. REPOSITORY_DAMAGED when they are none, name one twice, or one beyond `last`. */
export const parseRowNumbers = async (
  content: AsyncIterable<Uint8Array>,
  into: Pick<RowNumbers, 'add'>,
  { name, last }: { readonly name: string; readonly last: number },
): Promise<void> => {
  const wrong = (): HoldfastError =>
    new HoldfastError('REPOSITORY_DAMAGED', `the rows that are gone from ${name} are no list of numbers`);
  const most = Math.min(last, mostRowNumbers - 1);
  let row = 0;
  for await (const bytes of content)
    for (const byte of bytes) {
      const digit = byte - zero;
      if (digit >= 0 && digit <= 9) row = row * 10 + digit;
      else if (byte !== newline || row === 0 || !into.add(row)) throw wrong();
      else row = 0;
      if (row > most) throw wrong();
    }
  if (row !== 0) throw wrong();
};
