// Content-defined chunking: where a stream is cut depends on its bytes alone, so equal content gives equal chunks.
import { HoldfastError } from '#lib/errors.ts';
import { headBytes } from '#lib/wasm/instance.ts';

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

/** How one algorithm cuts; positions are those of the chunker's memory. */
export interface Cutting {
  /** Another stream begins. */
  reset(): void;
  /**
   * Where the chunk that lies at `start` ends, or 0 when more than what lies before `end` must be known to tell; that is never
   * more than half of the memory. The next chunk begins there, wherever that lies by then. After the last byte (`last`)
   * what is left is a chunk.
   */
  cut(start: number, end: number, last: boolean): number;
}

/** A chunker over that memory, behind its head: chunks are views of it, and what is left moves to its beginning only when its end is reached. */
export const createChunker = (memory: Uint8Array, { reset: resetCutting, cut }: Cutting): Chunker => {
  /** Between `start` and `end` lies what has been written and not yet given out. */
  let start = headBytes;
  let end = headBytes;
  let ended = false;

  const reset = (): void => {
    start = headBytes;
    end = headBytes;
    ended = false;
    resetCutting();
  };
  /** Only when half of the memory can be won: then no byte is moved more often than one is written. */
  const makeRoom = (): void => {
    if (start - headBytes < (memory.length - headBytes) / 2) return;
    memory.copyWithin(headBytes, start, end);
    end -= start - headBytes;
    start = headBytes;
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
      const chunkEnd = cut(start, end, ended);
      if (chunkEnd > 0) {
        const chunk = memory.subarray(start, chunkEnd);
        start = chunkEnd;
        return chunk;
      }
      if (ended) reset();
      return undefined;
    },
    end() {
      ended = true;
    },
    reset,
  };
};
