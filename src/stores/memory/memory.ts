// A store that lives and dies with the process: for tests and for trying things out.
import { z } from 'zod';
import { checkRange, Guard, missingObject } from '../guard.ts';
import type { LargeObjects, Store, StoreKind } from '../store.ts';

const location = 'memory';

/** `kind: memory`: nothing is kept after the process ends. */
export const memory: StoreKind<Record<string, never>> = {
  name: 'memory',
  config: z.strictObject({}),
  open: async () => memoryStore(),
};

/** An empty store in memory. It hands out copies, so nobody can change what is stored. */
export const memoryStore = (): Store & LargeObjects => {
  const objects = new Map<string, Uint8Array>();
  /** Large objects that are not whole, by token. */
  const unfinished = new Set<string>();
  let begun = 0;
  const guard = new Guard(location);
  return {
    connections: 4,
    location,
    async put(key, bytes) {
      guard.checkKey(key);
      objects.set(key, new Uint8Array(bytes)); // a Buffer's slice() would be a view
    },
    async get(key, range) {
      guard.checkKey(key);
      const bytes = objects.get(key);
      if (bytes === undefined) throw missingObject(location, key);
      if (range === undefined) return bytes.slice();
      checkRange(location, key, range, bytes.length);
      return bytes.slice(range.offset, range.offset + range.length);
    },
    async *list(prefix) {
      guard.checkPrefix(prefix);
      for (const [key, bytes] of objects) if (key.startsWith(prefix)) yield { key, size: bytes.length };
    },
    async delete(key) {
      guard.checkKey(key);
      objects.delete(key);
    },
    async beginLarge(key) {
      guard.checkKey(key);
      const token = String(++begun);
      unfinished.add(token);
      const pieces = new Map<number, Uint8Array>();
      return {
        token,
        pieceBytes: () => 1024 * 1024,
        async putPiece({ number }, bytes) {
          guard.checkOpen();
          pieces.set(number, new Uint8Array(bytes));
        },
        async commit() {
          guard.checkOpen();
          const inOrder = [...pieces].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes);
          objects.set(key, new Uint8Array(Buffer.concat(inOrder)));
          unfinished.delete(token);
        },
        async abort() {
          unfinished.delete(token);
        },
      };
    },
    async wasCommitted(_key, token) {
      guard.checkOpen();
      return !unfinished.has(token);
    },
    async abandonLarge(_key, token) {
      guard.checkOpen();
      unfinished.delete(token);
    },
    deleteLarge(key) {
      return this.delete(key);
    },
    async [Symbol.asyncDispose]() {
      guard.close();
      objects.clear();
    },
  };
};
