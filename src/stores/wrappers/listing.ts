// Listings through a wrapper: each step is a call of its own.
import type { Store, StoredObject } from '../store.ts';

type Run = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** The same listing, with each step made by `run`, which may give it up. */
export async function* listThrough(
  run: Run,
  objects: ReturnType<Store['list']>,
): AsyncGenerator<StoredObject> {
  const iterator = objects[Symbol.asyncIterator]();
  let isWaiting = false;
  try {
    for (;;) {
      isWaiting = true;
      const { done, value } = await run(() => iterator.next());
      isWaiting = false;
      if (done) return;
      yield value;
    }
  } finally {
    // A generator ends only after the step it is in, which may never end.
    const ending = iterator.return?.();
    if (isWaiting) ending?.catch(() => {});
    else await ending;
  }
}
