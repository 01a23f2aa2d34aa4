// A store while the lock that was taken on it settles: reading need not wait for that, changing must.
import {
  type ByteRange,
  foldersOf,
  localFolderOf,
  nameSyncOf,
  retentionOf,
  type Store,
  treeCacheOf,
} from '#stores/store.ts';

/** The same store, in which nothing is put, deleted or held before `settled` resolves, and nothing at all when it rejects. */
export const changedOnceSettled = (store: Store, settled: Promise<void>): Store => {
  const retention = retentionOf(store);
  const folders = foldersOf(store);
  const names = nameSyncOf(store);
  const localFolder = localFolderOf(store);
  const treeCache = treeCacheOf(store);
  return {
    connections: store.connections,
    location: store.location,
    get: (key, range) => store.get(key, range),
    list: (prefix) => store.list(prefix),
    async put(key, bytes) {
      await settled;
      await store.put(key, bytes);
    },
    async delete(key) {
      await settled;
      await store.delete(key);
    },
    ...(retention && {
      async retain(key: string) {
        await settled;
        await retention.retain(key);
      },
    }),
    ...(folders && {
      async removeLeftovers(prefix: string) {
        await settled;
        return await folders.removeLeftovers(prefix);
      },
      async removeEmptyFolders(folder: string) {
        await settled;
        await folders.removeEmptyFolders(folder);
      },
    }),
    ...(names && { syncNames: (keys: readonly string[]) => names.syncNames(keys) }),
    ...(treeCache && {
      getTrees: (key: string, range: ByteRange) => treeCache.getTrees(key, range),
      note: (name: string) => treeCache.note(name),
      keepNote: (name: string, bytes: Uint8Array) => treeCache.keepNote(name, bytes),
    }),
    ...(localFolder !== undefined && { localFolder }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
};
