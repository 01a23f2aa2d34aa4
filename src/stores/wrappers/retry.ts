// Patience with stores that fail for a while: the same call again, at growing intervals.
import type { Clock } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import type { Random } from '#lib/random.ts';
import {
  type ChecksumQuestion,
  checksumsOf,
  comparedPutsOf,
  type ListOptions,
  largeObjectsOf,
  localFolderOf,
  retentionOf,
  type Store,
} from '../store.ts';
import { aroundLarge } from './large-objects.ts';
import { listThrough } from './listing.ts';
import { passOn } from './pass-on.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /**
   * Once it fires nothing is waited for any more: what is being read is given up at once; what is being written may end, as far as
   * `withLimit` lets it, and later calls are made once, so that a lock can still be removed.
   */
  readonly signal: AbortSignal;
  /** No attempt begins later than this after the first; 15 minutes unless told. */
  readonly patienceMs?: number;
  /** The same until the store has answered once: a name mistyped should be told soon. 10 seconds unless told. */
  readonly firstPatienceMs?: number;
}

const firstWaitMs = 500;
const longestWaitMs = 60_000;
const defaultPatienceMs = 15 * 60_000;
const defaultFirstPatienceMs = 10_000;

/**
 * Repeats calls that failed with an error worth it. Files that workers write into a local folder are left to them: a local disk
 * that fails once fails again.
 */
export const withRetry = (inner: Store, options: RetryOptions): Store => {
  const localFolder = localFolderOf(inner);
  const retention = retentionOf(inner);
  const large = largeObjectsOf(inner);
  const checksums = checksumsOf(inner);
  const compared = comparedPutsOf(inner);
  const reading = new Reading(options.signal);
  const store: Reached = { inner, reading, reached: false };
  return {
    ...passOn(inner),
    put: (key, bytes) => persist(store, options, `put ${key}`, () => inner.put(key, bytes)),
    get: (key, range) => persist(store, options, `get ${key}`, () => reading.run(inner.get(key, range))),
    list: (prefix, wish) => listPersistently(store, options, prefix, wish),
    delete: (key) => persist(store, options, `delete ${key}`, () => inner.delete(key)),
    ...(retention && {
      retain: (key: string) => persist(store, options, `retain ${key}`, () => retention.retain(key)),
    }),
    ...(checksums && {
      checksum: (key: string, question: ChecksumQuestion) =>
        persist(store, options, `look at ${key}`, () => checksums.checksum(key, question)),
    }),
    ...(compared && {
      putCompared: (key: string, bytes: Uint8Array) =>
        persist(store, options, `put ${key}`, () => compared.putCompared(key, bytes)),
    }),
    ...(large &&
      aroundLarge(large, (call, key, _sizeBytes, work) => persist(store, options, `${call} ${key}`, work))),
    ...(localFolder !== undefined && { localFolder }),
    async [Symbol.asyncDispose]() {
      reading.end();
      await inner[Symbol.asyncDispose]();
    },
  };
};

/** Reads that are under way, and given up when the signal fires. */
class Reading {
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<(reason: unknown) => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#giveUp);
  }

  async run<Result>(work: Promise<Result>): Promise<Result> {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#waiting.add(reject);
    try {
      return await Promise.race([work, promise]);
    } finally {
      this.#waiting.delete(reject);
    }
  }

  end(): void {
    this.#signal.removeEventListener('abort', this.#giveUp);
  }

  readonly #giveUp = (): void => {
    const error = new HoldfastError('CANCELLED', 'cancelled', { cause: this.#signal.reason });
    for (const reject of this.#waiting) reject(error);
  };
}

interface Reached {
  readonly inner: Store;
  readonly reading: Reading;
  /** True once a call has succeeded. */
  reached: boolean;
}

const persist = async <Result>(
  store: Reached,
  options: RetryOptions,
  call: string,
  work: () => Promise<Result>,
): Promise<Result> => {
  const next = waits(store, options, call);
  for (;;) {
    try {
      const result = await work();
      store.reached = true;
      return result;
    } catch (error) {
      await next(error);
    }
  }
};

/** A listing that broke off begins again, and what was given before is not given twice. */
async function* listPersistently(
  store: Reached,
  options: RetryOptions,
  prefix: string,
  { onUnreadable }: ListOptions = {},
): ReturnType<Store['list']> {
  const given = new Set<string>();
  const wish: ListOptions = onUnreadable
    ? {
        onUnreadable(key, error) {
          if (!given.has(key)) onUnreadable(key, error);
          given.add(key);
        },
      }
    : {};
  let next = waits(store, options, `list ${prefix}`);
  for (;;) {
    const before = given.size;
    try {
      for await (const object of listThrough(
        (step) => store.reading.run(step()),
        store.inner.list(prefix, wish),
      )) {
        store.reached = true;
        if (given.has(object.key)) continue;
        if (given.size >= mostListed) throw endless(store.inner.location, prefix);
        given.add(object.key);
        yield object;
      }
      store.reached = true;
      return;
    } catch (error) {
      if (given.size > before) next = waits(store, options, `list ${prefix}`); // it got further: patience begins anew
      await next(error);
    }
  }
}

/** More names than a set can hold, and more than a store can have that anybody works with. */
const mostListed = 2 ** 24 - 1;

const endless = (location: string, prefix: string): HoldfastError =>
  new HoldfastError('STORE_DENIED', `${location}: the list of ${prefix || 'the objects'} does not end`, {
    hint: 'the server gives ever more names: check what answers there in its place',
  });

/** Returns what to do with each error of one call: wait and come back, or throw it. */
const waits = (store: Reached, options: RetryOptions, call: string): ((error: unknown) => Promise<void>) => {
  const { clock, random, log, signal } = options;
  let startedMs: number | undefined;
  let attempt = 0;
  return async (error) => {
    if (!(error instanceof HoldfastError && error.kind.retry) || signal.aborted) throw error;
    const nowMs = clock.now().getTime();
    startedMs = Math.min(startedMs ?? nowMs, nowMs); // a clock that is set back must not make it a day
    const fullMs = Math.min(longestWaitMs, firstWaitMs * 2 ** attempt);
    const waitMs = Math.round(fullMs * (0.5 + random.next() / 2));
    const patienceMs = store.reached
      ? (options.patienceMs ?? defaultPatienceMs)
      : (options.firstPatienceMs ?? defaultFirstPatienceMs);
    if (nowMs + waitMs - startedMs > patienceMs) throw error;
    attempt += 1;
    log.warn({ store: store.inner.location, call, attempt, waitMs, error: messageOf(error) }, 'trying again');
    await clock.sleep(waitMs, signal);
  };
};
