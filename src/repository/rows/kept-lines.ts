// A text without some of its lines.
import type { LineSet } from './line-set.ts';

const newline = 0x0a;

export class KeptLines {
  readonly #gone: Pick<LineSet, 'has'>;
  #line = 1;
  #isGone: boolean;
  /** How many lines were left out. */
  gone = 0;

  constructor(gone: Pick<LineSet, 'has'>) {
    this.#gone = gone;
    this.#isGone = gone.has(1);
  }

  /** What is kept of the next bytes: they themselves where that is all of them. */
  of(bytes: Uint8Array): Uint8Array {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let kept: Buffer | undefined;
    let length = 0;
    let from = 0; // of what is kept and not yet copied
    for (let at = 0; at < text.length; ) {
      const wasGone = this.#isGone;
      const end = text.indexOf(newline, at);
      const next = end < 0 ? text.length : end + 1;
      if (wasGone && end >= 0) this.gone += 1;
      if (end >= 0) this.#isGone = this.#gone.has(++this.#line);
      if (wasGone) {
        kept ??= Buffer.allocUnsafe(text.length);
        length += text.copy(kept, length, from, at);
        from = next;
      }
      at = next;
    }
    if (!kept) return bytes;
    length += text.copy(kept, length, from);
    return kept.subarray(0, length);
  }
}
