// Content-defined chunking: where a stream is cut depends on its bytes alone, so equal content gives equal chunks.
import { HoldfastError } from '#lib/errors.ts';
import { headBytes, type Instance } from '#lib/wasm/instance.ts';

export interface Chunker {
  /** Copies in as much as there is room for; returns how many bytes were taken. After fewer than all, call `next` until it has no more. */
  write(bytes: Uint8Array): number;
  /** The next complete chunk, a view valid until the next call of anything; undefined when more input is needed. */
  next(): Uint8Array | undefined;
  /** No more input: `next` now also gives the rest, then undefined, and the chunker is ready for another stream. */
  end(): void;
  /** Forget what was written and start anew. */
  reset(): void;
}

/** How one algorithm cuts; positions are those of the instance's memory. */
export interface Cutting {
  readonly instance: Instance;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** How much is searched at a time. */
  readonly stepBytes: number;
  /** The lowest cut in [from, to) of the chunk that began at `start`, or `to`. */
  find(start: number, from: number, to: number): number;
}

/** How much data the instance of a chunker needs room for. */
export const dataBytesFor = (maxBytes: number, stepBytes: number, leastBytes: number): number =>
  Math.max(leastBytes, 2 * (maxBytes + stepBytes));

/** A chunker over the instance's data: chunks are views of it, and what is left moves to its beginning only when its end is reached. */
export const createChunker = (cutting: Cutting): Chunker => {
  const { minBytes, maxBytes, stepBytes, find } = cutting;
  const { memory } = cutting.instance;
  /** Between `start` and `end` lies what has been written and not yet given out. */
  let start = headBytes;
  let end = headBytes;
  /** No cut lies before this position. */
  let searched = start + minBytes;
  let ended = false;

  const begin = (position: number): void => {
    start = position;
    searched = position + minBytes;
  };
  const take = (cut: number): Uint8Array => {
    const chunk = memory.subarray(start, cut);
    begin(cut);
    return chunk;
  };
  const reset = (): void => {
    begin(headBytes);
    end = headBytes;
    ended = false;
  };
  /** Only when half of the memory can be won: then no byte is moved more often than one is written. */
  const makeRoom = (): void => {
    if (start - headBytes < (memory.length - headBytes) / 2) return;
    const moved = start - headBytes;
    memory.copyWithin(headBytes, start, end);
    start -= moved;
    end -= moved;
    searched -= moved;
  };

  return {
    write(bytes) {
      if (ended) throw new HoldfastError('FAILED', 'bytes were written to a chunker after its end');
      if (end === memory.length) makeRoom();
      const taken = Math.min(bytes.length, memory.length - end);
      memory.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), end);
      end += taken;
      return taken;
    },
    next() {
      const limit = Math.min(end, start + maxBytes);
      const final = ended || limit === start + maxBytes;
      while (searched < limit) {
        const to = Math.min(limit, searched + stepBytes);
        if (to - searched < stepBytes && !final) return undefined;
        const cut = find(start, searched, to);
        searched = cut;
        if (cut < to) return take(cut);
      }
      if (final && limit > start) return take(limit);
      if (ended) reset();
      return undefined;
    },
    end() {
      ended = true;
    },
    reset,
  };
};
