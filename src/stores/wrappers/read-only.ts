// A store that cannot be changed through it.
import { HoldfastError } from '#lib/errors.ts';
import { comparedPutsOf, foldersOf, largeObjectsOf, retentionOf, type Store } from '../store.ts';
import { aroundLarge } from './large-objects.ts';
import { passOn } from './pass-on.ts';

/** Refuses every put and delete. */
export const withReadOnly = (store: Store): Store => {
  const refuse = async (doing: string, key: string): Promise<never> => {
    throw new HoldfastError(
      'STORE_DENIED',
      `${store.location}: cannot ${doing} ${key}: it is open for reading only`,
      {
        hint: 'use a command that only reads, or a store that is not marked read-only',
      },
    );
  };
  const large = largeObjectsOf(store);
  return {
    ...passOn(store),
    put: (key) => refuse('put', key),
    delete: (key) => refuse('delete', key),
    ...(comparedPutsOf(store) && { putCompared: (key: string) => refuse('put', key) }),
    ...(retentionOf(store) && { retain: (key: string) => refuse('hold', key) }),
    ...(large && aroundLarge(large, (call, key) => refuse(call, key))),
    ...(foldersOf(store) && {
      removeLeftovers: (prefix: string) => refuse('remove', prefix),
      removeEmptyFolders: (folder: string) => refuse('remove', folder),
    }),
  };
};
