// A store that lives and dies with the process: for tests and for trying things out.
import { z } from 'zod';
import { checkKey, checkPrefix, checkRange, closedStore, missingObject } from '../guard.ts';
import type { Store, StoreKind } from '../store.ts';

const location = 'memory';

/** `kind: memory`: nothing is kept after the process ends. */
export const memory: StoreKind<Record<string, never>> = {
  name: 'memory',
  config: z.strictObject({}),
  open: async () => memoryStore(),
};

/** An empty store in memory. It hands out copies, so nobody can change what is stored. */
export const memoryStore = (): Store => {
  const objects = new Map<string, Uint8Array>();
  let closed = false;
  const checkOpen = (): void => {
    if (closed) throw closedStore(location);
  };
  return {
    connections: 4,
    location,
    async put(key, bytes) {
      checkOpen();
      checkKey(key);
      objects.set(key, new Uint8Array(bytes)); // a Buffer's slice() would be a view
    },
    async get(key, range) {
      checkOpen();
      checkKey(key);
      const bytes = objects.get(key);
      if (bytes === undefined) throw missingObject(location, key);
      if (range === undefined) return bytes.slice();
      checkRange(location, key, range, bytes.length);
      return bytes.slice(range.offset, range.offset + range.length);
    },
    async *list(prefix) {
      checkOpen();
      checkPrefix(prefix);
      for (const [key, bytes] of objects) if (key.startsWith(prefix)) yield { key, size: bytes.length };
    },
    async delete(key) {
      checkOpen();
      checkKey(key);
      objects.delete(key);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      objects.clear();
    },
  };
};
