// A distant store with what is read again and again kept on this machine: indexes, snapshots, and packs of trees.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Log } from '#lib/log.ts';
import type { ByteRange, Store, TreeCache } from '../store.ts';
import { CacheFolder, notes } from './cache-folder.ts';
import { passOn } from './pass-on.ts';

export interface CacheOptions {
  /** Where caches of all stores lie, a folder each. */
  readonly folder: string;
  readonly log: Log;
  readonly maxBytes?: number;
}

const defaultMaxBytes = 2 * 1024 ** 3;

/**
 * Keeps what never changes: objects named by their own SHA-256. Nothing is looked for here that the store was not asked to list, so
 * what others removed is not seen again.
 */
export const withCache = (
  store: Store,
  { folder, log, maxBytes = defaultMaxBytes }: CacheOptions,
): Store & TreeCache => {
  const name = createHash('sha256').update(store.location).digest('hex').slice(0, 32);
  const cache = new CacheFolder({ folder: join(folder, name), maxBytes, log });
  const getWhole = sharing(async (key) => {
    const bytes = await store.get(key);
    await cache.write(key, bytes);
    return bytes;
  });
  return {
    ...passOn(store),
    async put(key, bytes) {
      await store.put(key, bytes);
      if (isSmall(key)) await cache.write(key, bytes);
    },
    async get(key, range) {
      if (range !== undefined || !isSmall(key)) return store.get(key, range);
      return (await cache.read(key)) ?? (await getWhole(key)).slice();
    },
    async getTrees(key, range) {
      if (!isPack(key)) return store.get(key, range);
      const kept = await cache.read(key, range);
      if (kept !== undefined) return kept;
      // One tree of a pack is seldom the only one that is wanted.
      const whole = await getWhole(key);
      return range.offset + range.length <= whole.length ? cut(whole, range) : store.get(key, range);
    },
    note: (name) => cache.read(`${notes}/${name}`),
    keepNote: (name, bytes) => cache.write(`${notes}/${name}`, bytes),
    async delete(key) {
      await store.delete(key);
      if (isSmall(key) || isPack(key)) await cache.remove(key);
    },
  };
};

const isSmall = (key: string): boolean => /^(index|snapshots)\/[0-9a-f]{64}$/.test(key);
const isPack = (key: string): boolean => /^data\/([0-9a-f]{2}\/)?[0-9a-f]{64}$/.test(key);

/** A copy: the whole pack would stay in memory for as long as a part of it does. */
const cut = (bytes: Uint8Array, { offset, length }: ByteRange): Uint8Array =>
  bytes.slice(offset, offset + length);

/** The same work for the same key, asked for again while it is under way, is done once. */
const sharing = <Result>(work: (key: string) => Promise<Result>): ((key: string) => Promise<Result>) => {
  const running = new Map<string, Promise<Result>>();
  return (key) => {
    const known = running.get(key);
    if (known) return known;
    const started = work(key).finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
};
