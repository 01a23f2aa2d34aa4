// A stored object as a stream: range by range, so that it need not fit in memory.
import { throwIfCancelled } from '#lib/clock.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Store, StoredObject } from '#stores/store.ts';

const rangeBytes = 8 * 1024 * 1024;
/** Ranges asked for before they are needed, so that a distant store is not waited for after each. */
const ahead = 2;

/** The bytes of the object; OBJECT_MISSING when it is not there. */
export async function* readObject(
  store: Store,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield* readSized(store, { key, size: await sizeOf(store, key) }, signal);
}

/** So many bytes of an object whose size is known. */
export async function* readSized(
  store: Store,
  { key, size }: StoredObject,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const offsets = function* () {
    for (let offset = 0; offset < size; offset += rangeBytes) yield offset;
  };
  yield* mapOrdered(offsets(), ahead, async (offset) => {
    throwIfCancelled(signal);
    return await store.get(key, { offset, length: Math.min(rangeBytes, size - offset) });
  });
}

/** OBJECT_MISSING when it is not there. */
export const sizeOf = async (store: Store, key: string): Promise<number> => {
  for await (const object of store.list(key)) if (object.key === key) return object.size;
  throw new HoldfastError('OBJECT_MISSING', `${store.location}: there is no ${key}`, {
    hint: 'list the store to see what is there',
  });
};
