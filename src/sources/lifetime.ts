// Keeps something open for as long as contents that need it may still be read.
import type { Content } from './source.ts';

export interface Lifetime {
  /** A content during which, and until which, it stays open. */
  during(content: () => AsyncIterable<Uint8Array>): () => Content;
  /** No more contents will come: closes when the last of them has been read. */
  seal(): Promise<void>;
  /** Closes now. */
  end(): Promise<void>;
}

/** Calls `close` once. A content that is never read keeps it open until `end`. */
export const createLifetime = (close: () => Promise<void>): Lifetime => {
  let needed = 0;
  let sealed = false;
  let closing: Promise<void> | undefined;
  const end = (): Promise<void> => {
    closing ??= close();
    return closing;
  };
  const endIfDone = async (): Promise<void> => {
    if (sealed && needed === 0) await end();
  };
  return {
    during(content) {
      needed += 1;
      return async function* () {
        try {
          yield* content();
        } finally {
          needed -= 1;
          await endIfDone();
        }
      };
    },
    async seal() {
      sealed = true;
      await endIfDone();
    },
    end,
  };
};
