// Lines of a text by their numbers, the first of which is 1: a bit each, and as a file with one number a line.
import { HoldfastError } from '#lib/errors.ts';

/** Sixteen times as many as are ever looked for in a file (`mostLines` in write-layers.ts): a list takes no more than 8 MiB. */
const mostLines = 2 ** 26;
const zero = 0x30;
const newline = 0x0a;

export class LineSet {
  #bits = new Uint8Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(line: number): boolean {
    return ((this.#bits[line >>> 3] ?? 0) & (1 << (line & 7))) !== 0;
  }

  /** False when it was there. */
  add(line: number): boolean {
    if (line >>> 3 >= this.#bits.length) this.#grow(line >>> 3);
    if (this.has(line)) return false;
    this.#bits[line >>> 3] = (this.#bits[line >>> 3] as number) | (1 << (line & 7));
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
export function* formatLines(lines: Iterable<number>): Generator<Uint8Array> {
  let piece: string[] = [];
  for (const line of lines) {
    piece.push(`${line}\n`);
    if (piece.length < 8192) continue;
    yield Buffer.from(piece.join(''), 'latin1');
    piece = [];
  }
  if (piece.length > 0) yield Buffer.from(piece.join(''), 'latin1');
}

/** Adds the lines of such files, one after the other. REPOSITORY_DAMAGED when they are none, or name one twice. */
export const parseLines = async (
  content: AsyncIterable<Uint8Array>,
  into: Pick<LineSet, 'add'>,
  name: string,
): Promise<void> => {
  const wrong = (): HoldfastError =>
    new HoldfastError('REPOSITORY_DAMAGED', `the lines that are gone from ${name} are no list of numbers`);
  let line = 0;
  for await (const bytes of content)
    for (const byte of bytes) {
      const digit = byte - zero;
      if (digit >= 0 && digit <= 9) line = line * 10 + digit;
      else if (byte !== newline || line === 0 || !into.add(line)) throw wrong();
      else line = 0;
      if (line >= mostLines) throw wrong();
    }
  if (line !== 0) throw wrong();
};
