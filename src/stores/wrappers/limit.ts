// No more calls at once than a store, a line or an administrator likes.
import { Semaphore } from '#lib/concurrency.ts';
import {
  type ChecksumQuestion,
  checksumsOf,
  comparedPutsOf,
  largeObjectsOf,
  type Store,
  type StoredObject,
} from '../store.ts';
import { aroundLarge } from './large-objects.ts';
import { passOn } from './pass-on.ts';

/** At most so many calls at once, first come, first served. A listing counts only while it is fetching. */
export const withLimit = (store: Store, connections: number): Store => {
  const gate = new Semaphore(connections);
  const large = largeObjectsOf(store);
  const checksums = checksumsOf(store);
  const compared = comparedPutsOf(store);
  return {
    ...passOn(store),
    connections,
    put: (key, bytes) => gate.run(() => store.put(key, bytes)),
    get: (key, range) => gate.run(() => store.get(key, range)),
    list: (prefix) => listThrough(gate, store.list(prefix)),
    delete: (key) => gate.run(() => store.delete(key)),
    ...(checksums && {
      checksum: (key: string, question: ChecksumQuestion) =>
        gate.run(() => checksums.checksum(key, question)),
    }),
    ...(compared && {
      putCompared: (key: string, bytes: Uint8Array) => gate.run(() => compared.putCompared(key, bytes)),
    }),
    ...(large && aroundLarge(large, (_call, _key, _sizeBytes, work) => gate.run(work))),
  };
};

async function* listThrough(
  gate: Semaphore,
  objects: AsyncIterable<StoredObject>,
): AsyncGenerator<StoredObject> {
  const iterator = objects[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await gate.run(() => iterator.next());
      if (done) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
