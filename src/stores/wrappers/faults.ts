// A store that misbehaves on purpose, the same way for the same seed.
import type { Clock } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import { comparedPutsOf, largeObjectsOf, type Store, type StoredObject } from '../store.ts';
import { aroundLarge } from './large-objects.ts';
import { passOn } from './pass-on.ts';

/**
 * 'before': the call fails and did nothing. 'after': it fails although it did its work. 'torn': a put stores only the beginning and
 * fails. 'short': a get gives too little. 'wrong': a get gives a flipped bit. 'stale': a listing lacks what was just put and has what
 * was just deleted. 'delay': the call takes up to a minute.
 */
export const faultKinds = ['before', 'after', 'torn', 'short', 'wrong', 'stale', 'delay'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultOptions {
  readonly seed: string | number;
  /** The probability of each kind of fault at each call. */
  readonly rate: number;
  readonly kinds: readonly FaultKind[];
  readonly clock: Clock;
}

/** What happens to the nth call on a key depends on the seed, the key and n, not on what else goes on at the same time. */
export const withFaults = (store: Store, options: FaultOptions): Store => {
  const seeds = seededRandom(options.seed);
  const calls = new Map<string, number>();
  const recent = new RecentChanges();
  const large = largeObjectsOf(store);
  const compared = comparedPutsOf(store);
  const nextCall = async (call: string): Promise<Faults> => {
    const nth = calls.get(call) ?? 0;
    calls.set(call, nth + 1);
    const faults = faultsOf(store, options, seeds.fork(`${call} ${nth}`), call);
    if (faults.happens('delay')) await options.clock.sleep(faults.random.integer(1, 60_000));
    faults.fail('before');
    return faults;
  };
  return {
    ...passOn(store),
    async put(key, bytes) {
      const faults = await nextCall(`put ${key}`);
      if (faults.happens('torn')) {
        await store.put(key, bytes.subarray(0, faults.random.integer(0, bytes.length)));
        throw faults.error('torn');
      }
      await store.put(key, bytes);
      recent.wasPut(key);
      faults.fail('after');
    },
    async get(key, range) {
      const faults = await nextCall(`get ${key}`);
      const bytes = await store.get(key, range);
      faults.fail('after');
      return spoil(bytes, faults);
    },
    list: (prefix, options) => listBadly(store, [prefix, options], nextCall, recent),
    async delete(key) {
      const faults = await nextCall(`delete ${key}`);
      await store.delete(key);
      recent.wasDeleted(key);
      faults.fail('after');
    },
    // What is stored and not compared is asked for again, by calls that can fail.
    ...(compared && {
      async putCompared(key: string, bytes: Uint8Array) {
        await this.put(key, bytes);
        return false;
      },
    }),
    ...(large &&
      aroundLarge(large, async (call, key, _sizeBytes, work) => {
        const faults = await nextCall(`${call} ${key}`);
        const result = await work();
        faults.fail('after');
        return result;
      })),
  };
};

async function* listBadly(
  store: Store,
  [prefix, options]: Parameters<Store['list']>,
  nextCall: (call: string) => Promise<Faults>,
  recent: RecentChanges,
): AsyncGenerator<StoredObject> {
  const faults = await nextCall(`list ${prefix}`);
  let left = faults.happens('after') ? faults.random.integer(0, 50) : Number.POSITIVE_INFINITY;
  const stale = faults.happens('stale');
  for await (const object of store.list(prefix, options)) {
    if (stale && recent.put.has(object.key)) continue;
    if (left-- <= 0) throw faults.error('after');
    yield object;
  }
  if (stale) for (const key of recent.deleted) if (key.startsWith(prefix)) yield { key, size: 1 };
  if (Number.isFinite(left)) throw faults.error('after');
}

const spoil = (bytes: Uint8Array, faults: Faults): Uint8Array => {
  if (bytes.length > 0 && faults.happens('short'))
    return bytes.slice(0, faults.random.integer(0, bytes.length));
  if (bytes.length > 0 && faults.happens('wrong')) {
    const at = faults.random.integer(0, bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << faults.random.integer(0, 8));
  }
  return bytes;
};

interface Faults {
  readonly random: Random;
  happens(kind: FaultKind): boolean;
  fail(kind: FaultKind): void;
  error(kind: FaultKind): HoldfastError;
}

const faultsOf = (store: Store, options: FaultOptions, random: Random, call: string): Faults => {
  const error = (kind: FaultKind) =>
    new HoldfastError('STORE_UNREACHABLE', `${store.location}: ${call} failed on purpose (${kind})`);
  const happens = (kind: FaultKind) => options.kinds.includes(kind) && random.chance(options.rate);
  return {
    random,
    happens,
    error,
    fail: (kind) => {
      if (happens(kind)) throw error(kind);
    },
  };
};

/** What a listing may not know of yet. */
class RecentChanges {
  readonly put = new Set<string>();
  readonly deleted = new Set<string>();

  wasPut(key: string): void {
    this.deleted.delete(key);
    remember(this.put, key);
  }

  wasDeleted(key: string): void {
    this.put.delete(key);
    remember(this.deleted, key);
  }
}

const remember = (keys: Set<string>, key: string): void => {
  keys.add(key);
  const oldest = keys.values().next();
  if (keys.size > 10 && !oldest.done) keys.delete(oldest.value);
};
