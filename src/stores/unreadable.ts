// What may not be read in a store whose objects are files, for listings that go on without it.
import { HoldfastError } from '#lib/errors.ts';
import type { ListOptions } from './store.ts';

/** Undefined, and told, for what may not be read; the store's own folder is no such part of it. */
export const unlessUnreadable = async <Result>(
  key: string,
  { onUnreadable }: ListOptions,
  work: () => Promise<Result>,
): Promise<Result | undefined> => {
  try {
    return await work();
  } catch (error) {
    const isPart = key !== '' && error instanceof HoldfastError && error.code === 'STORE_DENIED';
    if (!isPart || !onUnreadable) throw error;
    onUnreadable(key.replace(/\/$/, ''), error);
    return undefined;
  }
};
