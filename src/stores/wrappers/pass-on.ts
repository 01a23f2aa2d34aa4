// What every wrapper begins with: a store that hands each call on.
import type { Store } from '../store.ts';

/**
 * The same store without its optional abilities: a wrapper that must see every byte (a limit on speed, a read-only view, faults)
 * cannot leave a way around itself. One that may be passed by adds the ability again.
 */
export const passOn = (store: Store): Store => ({
  connections: store.connections,
  location: store.location,
  put: (key, bytes) => store.put(key, bytes),
  get: (key, range) => store.get(key, range),
  list: (prefix) => store.list(prefix),
  delete: (key) => store.delete(key),
  [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
});
