// How the objects of the contract's checks are called: freely in a scratch folder, or, in a store that keeps repositories only, as packs.
import type { StoreSubject } from './contract.ts';
import { packKeyOf } from './scratch.ts';
import type { Store } from './store.ts';

/** Where checks are run. */
export interface CheckedPlace extends Pick<StoreSubject, 'store' | 'open'> {
  /** A folder that is theirs, with '/' at its end; absent: a repository may be here, and they must behave as if it were. */
  readonly scratch?: string | undefined;
}

/** What a check of that name is given. */
export const subjectAt = ({ store, open, scratch }: CheckedPlace, name: string): StoreSubject => {
  if (scratch === undefined) return amongPacks(store, open);
  const prefix = `${scratch}${name}/`;
  return { store, open, prefix, key: (object) => prefix + object };
};

/** What is beside those of the checks is never listed to them, so that they cannot remove it. */
const amongPacks = (store: Store, open: () => Promise<Store>): StoreSubject => {
  const own = new Set<string>();
  return {
    store: showingOnly(own, store),
    open: async () => showingOnly(own, await open()),
    prefix: 'data/',
    key(_name, bytes) {
      const key = packKeyOf(bytes);
      own.add(key);
      return key;
    },
  };
};

const showingOnly = (own: ReadonlySet<string>, store: Store): Store => ({
  connections: store.connections,
  location: store.location,
  put: (key, bytes) => store.put(key, bytes),
  get: (key, range) => store.get(key, range),
  async *list(prefix) {
    for await (const object of store.list(prefix)) if (own.has(object.key)) yield object;
  },
  delete: (key) => store.delete(key),
  [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
});
