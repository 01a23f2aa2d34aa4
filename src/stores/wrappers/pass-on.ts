// What every wrapper begins with: a store that hands each call on.
import {
  type ChecksumQuestion,
  checksumsOf,
  comparedPutsOf,
  foldersOf,
  largeObjectsOf,
  nameSyncOf,
  retentionOf,
  type Store,
} from '../store.ts';

/**
 * The same store, able to hold objects and to take large ones if it was, but without a local folder: a wrapper that must see every byte (a limit on speed,
 * a read-only view, faults) cannot leave a way around itself. One that may be passed by adds that ability again.
 */
export const passOn = (store: Store): Store => {
  const retention = retentionOf(store);
  const folders = foldersOf(store);
  const names = nameSyncOf(store);
  const large = largeObjectsOf(store);
  const checksums = checksumsOf(store);
  const compared = comparedPutsOf(store);
  return {
    connections: store.connections,
    location: store.location,
    put: (key, bytes) => store.put(key, bytes),
    get: (key, range) => store.get(key, range),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key) => store.delete(key),
    ...(retention && { retain: (key: string) => retention.retain(key) }),
    ...(folders && {
      removeLeftovers: (prefix: string) => folders.removeLeftovers(prefix),
      removeEmptyFolders: (folder: string) => folders.removeEmptyFolders(folder),
    }),
    ...(names && { syncNames: (keys: readonly string[]) => names.syncNames(keys) }),
    ...(large && {
      beginLarge: (key: string) => large.beginLarge(key),
      wasCommitted: (key: string, token: string, sizeBytes: number) =>
        large.wasCommitted(key, token, sizeBytes),
      abandonLarge: (key: string, token: string) => large.abandonLarge(key, token),
      deleteLarge: (key: string) => large.deleteLarge(key),
    }),
    ...(checksums && {
      checksum: (key: string, question: ChecksumQuestion) => checksums.checksum(key, question),
    }),
    ...(compared && {
      putCompared: (key: string, bytes: Uint8Array) => compared.putCompared(key, bytes),
    }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
};
