// The rows of an answer as they come, handed to their reader some at a time.
import type { WireValue } from './value-codec.ts';

type Row = readonly WireValue[];

/** What brings the rows. */
interface Flow {
  pause(): void;
  resume(): void;
}

/** About so many bytes of rows are held at once. */
const heldBytes = 256 * 1024;

/** To be read once: what brings the rows pauses while its reader has enough of them. */
export class RowBatches {
  readonly #batch: Row[] = [];
  #bytes = 0;
  #flow: Flow | undefined;
  #isAwaited = false;
  #hasBegun = false;
  #hasEnded = false;
  #wake = (): void => {};

  /** Whether nothing more will come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the reader waits for the rest of an answer that has begun. */
  get isDue(): boolean {
    return this.#isAwaited && this.#hasBegun;
  }

  add(row: Row, flow: Flow): void {
    this.#flow = flow;
    this.#batch.push(row);
    for (const value of row) this.#bytes += sizeOf(value);
    if (this.#bytes >= heldBytes) flow.pause();
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Row[]> {
    for (;;) {
      if (this.#batch.length > 0) {
        this.#hasBegun = true;
        yield this.#batch.splice(0);
        this.#bytes = 0;
        if (!this.#hasEnded) this.#flow?.resume();
      } else if (this.#hasEnded) return;
      else await this.#news();
    }
  }

  async #news(): Promise<void> {
    this.#isAwaited = true;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#isAwaited = false;
  }
}

const sizeOf = (value: WireValue): number =>
  typeof value === 'string' || value instanceof Uint8Array ? value.length + 16 : 16;
