// The door of the engine: make a repository in a store, or open one.
import { systemClock, throwIfCancelled } from '#lib/clock.ts';
import { early } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { type Log, silentLog } from '#lib/log.ts';
import type { Store } from '#stores/store.ts';
import { createConfig, hasConfig, openConfig, readConfig } from './config.ts';
import type { LockMode, Repository, RepositoryKey } from './contract.ts';
import { deleteLocks, type Lock, type SeenLock, seeLocks, takeLock } from './lock.ts';
import { addKey, listKeys, newMasterKey, openKeys } from './sealing/key.ts';
import { Sealer, type SealKey } from './sealing/seal.ts';
import { listIds } from './sealing/unpacked.ts';
import type { OpenStore } from './session.ts';
import { changedOnceSettled } from './settling-store.ts';

const zstdLevels = { off: undefined, fast: 1, default: 2, max: 9 } as const;

export interface OpenOptions {
  readonly lock: LockMode;
  readonly signal: AbortSignal;
  readonly compression?: keyof typeof zstdLevels;
  /** Open and compare each new blob before its pack is stored. Default true. */
  readonly verifyAfterSeal?: boolean;
  /** Whoever asks could also do without: the hint where none can be written. */
  readonly isLockOptional?: true;
  /** How long to wait for locks that are in the way, in milliseconds; default 0. */
  readonly retryLockMs?: number;
  /** Called while the key is being derived, on another thread: the time to load what will be needed then. */
  readonly meanwhile?: () => Promise<unknown>;
  /** The index is read at once, beside whatever is asked first: for those who will need it. */
  readonly readsIndex?: boolean;
  /** Told what is damaged and can be passed over. */
  readonly log?: Log;
}

/** Makes a repository (REPOSITORY_EXISTS when there is one) and returns its id. */
export const createRepository = async (store: Store, password: string): Promise<string> => {
  if (password === '')
    throw new HoldfastError('USAGE', 'an empty password protects nothing', {
      hint: 'choose one and keep it safe: without it the repository is lost',
    });
  await refuseIfMade(store);
  const master = (await masterLeftBehind(store, password)) ?? (await addNewKey(store, password));
  const config = await createConfig(store, new Sealer(master)); // last: what has a config is a repository
  return config.id;
};

const refuseIfMade = async (store: Store): Promise<void> => {
  if (await hasConfig(store))
    throw new HoldfastError('REPOSITORY_EXISTS', `there is a repository at ${store.location} already`);
};

/**
 * The key that an `init` with the same password left which failed or died before the config: the next one goes on from it. With a second
 * one restic, which takes the first that opens, might not come to the one that fits.
 */
const masterLeftBehind = async (store: Store, password: string): Promise<SealKey | undefined> => {
  const ids = await listIds(store, 'keys');
  const left = ids.length > 0 ? await unlessUnfit(openKeys(store, password, ids).next()) : undefined;
  if (!left || left.done) return undefined;
  for (let waitedMs = 0; waitedMs < slowConfigMs; waitedMs += settleMs) {
    await systemClock.sleep(settleMs); // or whoever stored it is at work now
    await refuseIfMade(store);
  }
  return left.value.master;
};

const unlessUnfit = <Opened>(opening: Promise<Opened>): Promise<Opened | undefined> =>
  opening.catch((error: unknown) => {
    if (!hasCode(error, 'WRONG_PASSWORD', 'REPOSITORY_DAMAGED')) throw error;
    return undefined;
  });

const addNewKey = async (store: Store, password: string): Promise<SealKey> => {
  const master = newMasterKey();
  const keyId = await addKey(store, password, master, systemClock.now());
  if (await isMadeByAnother(store, keyId)) {
    await store.delete(`keys/${keyId}`).catch(() => {}); // where it may not be deleted it does no harm
    throw new HoldfastError(
      'REPOSITORY_EXISTS',
      `somebody else makes a repository at ${store.location} now`,
      {
        hint: 'look whether it is there; if an `init` died there just now, try again in a minute',
      },
    );
  }
  return master;
};

/** As long as a config takes to come after its key, … */
const settleMs = 500;
/** … or, of a store that is slow, … */
const slowConfigMs = 2000;
/** … and after so long none will come: whoever made the key died. */
const abandonedMs = 60_000;

/** True when somebody else makes a repository there at this moment: of several the first by name goes on. */
const isMadeByAnother = async (store: Store, keyId: string): Promise<boolean> => {
  const mayCome = ({ id, created }: RepositoryKey): boolean =>
    id !== keyId &&
    created !== undefined &&
    Math.abs(systemClock.now().getTime() - created.getTime()) < abandonedMs;
  const others = (await listKeys(store, keyId)).filter(mayCome);
  if (others.length === 0) return false;
  await systemClock.sleep(settleMs);
  return others.some(({ id }) => id < keyId) || (await hasConfig(store));
};

/**
 * Opens one. REPOSITORY_MISSING, WRONG_PASSWORD, REPOSITORY_LOCKED as their names say. Disposing removes the lock and ends
 * the workers, not the store.
 */
export const openRepository = async (
  store: Store,
  password: string,
  options: OpenOptions,
): Promise<Repository> => {
  let locks: Promise<readonly string[]> | undefined;
  const { key, keyId, sealer, config } = await unlockStore(store, password, () => {
    if (options.lock !== 'none') locks ??= early(listIds(store, 'locks'));
    void Promise.allSettled([loadOpened(), options.meanwhile?.()]);
  });
  const lock = await lockStore(store, sealer, options, locks);
  const signal = lock ? AbortSignal.any([options.signal, lock.lost]) : options.signal;
  const open: OpenStore = {
    store: lock ? changedOnceSettled(store, lock.settled) : store,
    key,
    keyId,
    sealer,
    config,
    signal,
    log: options.log ?? silentLog,
    lock,
    level: config.version === 1 ? undefined : zstdLevels[options.compression ?? 'default'],
    verifyAfterSeal: options.verifyAfterSeal ?? true,
  };
  const { openedRepository } = await loadOpened();
  return openedRepository(open, lock, options.readsIndex ?? false);
};

const loadOpened = () => import('./opened.ts');

/** The locks there are. REPOSITORY_MISSING and WRONG_PASSWORD as `openRepository`; it takes no lock and writes nothing. */
export const locksIn = async (store: Store, password: string): Promise<SeenLock[]> => {
  const { sealer } = await unlockStore(store, password);
  return await seeLocks(store, sealer, systemClock);
};

/** Removes locks nobody holds any more (restic's rule), or all of them; returns how many. Needs no lock of its own. */
export const removeLocks = async (store: Store, password: string, all: boolean): Promise<number> => {
  const { sealer } = await unlockStore(store, password);
  return deleteLocks(store, sealer, all, systemClock);
};

const unlockStore = async (
  store: Store,
  password: string,
  meanwhile?: () => void,
): Promise<Pick<OpenStore, 'key' | 'keyId' | 'sealer' | 'config'>> => {
  const listing = early(listIds(store, 'keys'));
  const sealed = await readConfig(store);
  if (!sealed)
    throw new HoldfastError('REPOSITORY_MISSING', `there is no repository at ${store.location}`, {
      hint: 'make one with `holdfast init`, or check the path',
    });
  let damage: unknown;
  for await (const { id, master } of openKeys(store, password, await listing, meanwhile)) {
    const sealer = new Sealer(master);
    try {
      return { key: master, keyId: id, sealer, config: await openConfig(store, sealer, sealed) };
    } catch (error) {
      if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      damage ??= error; // or the key is what an `init` that died has left
    }
  }
  throw damage;
};

const lockStore = async (
  store: Store,
  sealer: Sealer,
  options: OpenOptions,
  seen: Promise<readonly string[]> | undefined,
): Promise<Lock | undefined> => {
  throwIfCancelled(options.signal);
  if (options.lock === 'none') return undefined;
  return takeLock(store, sealer, {
    exclusive: options.lock === 'exclusive',
    early: options.lock === 'shared' && !options.retryLockMs,
    signal: options.signal,
    ...(seen && { seen }),
    ...(options.isLockOptional && { isOptional: true }),
    ...(options.retryLockMs !== undefined && { retryMs: options.retryLockMs }),
  });
};
