// No more calls at once than a store, a line or an administrator likes.
import { Semaphore } from '#lib/concurrency.ts';
import {
  type ChecksumQuestion,
  checksumsOf,
  comparedPutsOf,
  largeObjectsOf,
  retentionOf,
  type Store,
} from '../store.ts';
import { aroundLarge } from './large-objects.ts';
import { listThrough } from './listing.ts';
import { Parting, type PartingOptions } from './parting.ts';
import { passOn } from './pass-on.ts';

/**
 * At most so many calls at once, first come, first served. A listing counts only while it is fetching. Once the run is cancelled, a
 * call that gets no answer gives its place to others soon: a lock has to be removed.
 */
export const withLimit = (store: Store, connections: number, options: PartingOptions): Store => {
  const gate = new Semaphore(connections);
  const parting = new Parting(store.location, options);
  const run = <Result>(work: () => Promise<Result>): Promise<Result> => gate.run(() => parting.run(work));
  const retention = retentionOf(store);
  const large = largeObjectsOf(store);
  const checksums = checksumsOf(store);
  const compared = comparedPutsOf(store);
  return {
    ...passOn(store),
    connections,
    put: (key, bytes) => run(() => store.put(key, bytes)),
    get: (key, range) => run(() => store.get(key, range)),
    list: (prefix, wish) => listThrough(run, store.list(prefix, wish)),
    delete: (key) => run(() => store.delete(key)),
    ...(retention && { retain: (key: string) => run(() => retention.retain(key)) }),
    ...(checksums && {
      checksum: (key: string, question: ChecksumQuestion) => run(() => checksums.checksum(key, question)),
    }),
    ...(compared && {
      putCompared: (key: string, bytes: Uint8Array) => run(() => compared.putCompared(key, bytes)),
    }),
    ...(large && aroundLarge(large, (_call, _key, _sizeBytes, work) => run(work))),
    async [Symbol.asyncDispose]() {
      parting.end();
      await store[Symbol.asyncDispose]();
    },
  };
};
