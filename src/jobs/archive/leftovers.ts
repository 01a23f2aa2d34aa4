// What killed runs left behind of files that they had not finished: nobody sees it, and the next run of the job removes it.
import type { PutOptions } from '#archive/put-stream.ts';
import type { UnfinishedObjects } from '#catalog/unfinished.ts';
import { largeObjectsOf, type Store } from '#stores/store.ts';

/** Notes files while they are written; without a catalog nothing is noted, and leftovers stay. */
export const noting = (
  unfinished: UnfinishedObjects | undefined,
  job: string,
): Pick<PutOptions, 'onBegin' | 'onEnd'> =>
  unfinished
    ? {
        onBegin: (store, name, token) => unfinished.begin(job, { store: store.location, name, token }),
        onEnd: (store, name, token) => unfinished.end({ store: store.location, name, token }),
      }
    : {};

/** Removes what earlier runs of the job did not finish in this store. One run of a job at a time. */
export const removeLeftovers = async (
  unfinished: UnfinishedObjects | undefined,
  job: string,
  store: Store,
): Promise<void> => {
  const large = largeObjectsOf(store);
  for (const object of unfinished?.of(job, store.location) ?? []) {
    await large?.abandonLarge(object.name, object.token);
    unfinished?.end(object);
  }
};
