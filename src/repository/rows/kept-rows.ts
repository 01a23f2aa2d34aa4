// A file of rows without some of them.
import { bufferOf } from '#lib/buffer-of.ts';
import { type RowEnds, type RowFormat, rowEnds } from '#lib/row-format.ts';
import type { RowNumbers } from './row-numbers.ts';

export class KeptRows {
  readonly #gone: Pick<RowNumbers, 'has'>;
  readonly #ends: RowEnds;
  #row = 1;
  #isGone: boolean;
  /** How many rows were left out. */
  gone = 0;

  constructor(gone: Pick<RowNumbers, 'has'>, format: RowFormat) {
    this.#gone = gone;
    this.#ends = rowEnds(format);
    this.#isGone = gone.has(1);
  }

  /** What is kept of the next bytes: they themselves where that is all of them. */
  of(bytes: Uint8Array): Uint8Array {
    const piece = bufferOf(bytes);
    let kept: Buffer | undefined;
    let length = 0;
    let from = 0; // of what is kept and not yet copied
    for (let at = 0; at < piece.length; ) {
      const wasGone = this.#isGone;
      const end = this.#ends.next(piece, at);
      const next = end < 0 ? piece.length : end;
      if (wasGone && end >= 0) this.gone += 1;
      if (end >= 0) this.#isGone = this.#gone.has(++this.#row);
      if (wasGone) {
        kept ??= Buffer.allocUnsafe(piece.length);
        length += piece.copy(kept, length, from, at);
        from = next;
      }
      at = next;
    }
    if (!kept) return bytes;
    length += piece.copy(kept, length, from);
    return kept.subarray(0, length);
  }
}
