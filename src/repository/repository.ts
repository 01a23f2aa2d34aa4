// The door of the engine: make a repository in a store, or open one.
import { systemClock, throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Store } from '#stores/store.ts';
import { BlobReader } from './blob-reader.ts';
import { checkRepository } from './check.ts';
import { createConfig, hasConfig, loadConfig } from './config.ts';
import type { LockMode, Repository } from './contract.ts';
import { addKey, findKey, newMasterKey } from './key.ts';
import { deleteLocks, type Lock, takeLock } from './lock.ts';
import { previousEntries } from './previous.ts';
import { pruneRepository } from './prune.ts';
import { readSnapshot } from './read.ts';
import { Sealer } from './seal.ts';
import { loadBlobIndex, type OpenStore, type Session } from './session.ts';
import { loadSnapshots } from './snapshot.ts';
import { walkSnapshot } from './walk.ts';
import { writeSnapshot } from './write.ts';

const zstdLevels = { off: undefined, fast: 1, default: 2, max: 9 } as const;

export interface OpenOptions {
  readonly lock: LockMode;
  readonly signal: AbortSignal;
  readonly compression?: keyof typeof zstdLevels;
  /** Open and compare each new blob before its pack is stored. Default true. */
  readonly verifyAfterSeal?: boolean;
  /** How long to wait for locks that are in the way, in milliseconds; default 0. */
  readonly retryLockMs?: number;
}

/** Makes a repository (REPOSITORY_EXISTS when there is one) and returns its id. */
export const createRepository = async (store: Store, password: string): Promise<string> => {
  if (password === '')
    throw new HoldfastError('USAGE', 'an empty password protects nothing', {
      hint: 'choose one and keep it safe: without it the repository is lost',
    });
  if (await hasConfig(store))
    throw new HoldfastError('REPOSITORY_EXISTS', `there is a repository at ${store.location} already`);
  const master = newMasterKey();
  await addKey(store, password, master, systemClock.now());
  const config = await createConfig(store, new Sealer(master)); // last: what has a config is a repository
  return config.id;
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
  const { key, sealer } = await unlockStore(store, password);
  const config = await loadConfig(store, sealer);
  const lock = await lockStore(store, sealer, options);
  const signal = lock ? AbortSignal.any([options.signal, lock.lost]) : options.signal;
  const open: OpenStore = {
    store,
    key,
    sealer,
    config,
    signal,
    level: config.version === 1 ? undefined : zstdLevels[options.compression ?? 'default'],
    verifyAfterSeal: options.verifyAfterSeal ?? true,
  };
  return openedRepository(open, lock);
};

/** Removes locks nobody holds any more (restic's rule), or all of them; returns how many. Needs no lock of its own. */
export const removeLocks = async (store: Store, password: string, all: boolean): Promise<number> => {
  const { sealer } = await unlockStore(store, password);
  return deleteLocks(store, sealer, all, systemClock);
};

const openedRepository = (open: OpenStore, lock: Lock | undefined): Repository => {
  let loading: Promise<Session> | undefined;
  const session = (): Promise<Session> => {
    loading ??= loadBlobIndex(open.store, open.sealer, open.signal).then((blobs) => ({ ...open, blobs }));
    return loading;
  };
  let sharedReader: BlobReader | undefined;
  const reader = (opened: Session): BlobReader => {
    sharedReader ??= new BlobReader(opened);
    return sharedReader;
  };
  const refuseVersion1 = (): void => {
    if (open.config.version === 1)
      throw new HoldfastError(
        'UNSUPPORTED',
        `the repository at ${open.store.location} has format version 1, which is read only here`,
        {
          hint: 'upgrade it with `restic migrate upgrade_repo_v2`',
        },
      );
  };
  return {
    id: open.config.id,
    location: open.store.location,
    snapshots: () => loadSnapshots(open.store, open.sealer),
    async write(entries, options) {
      refuseVersion1();
      const signal = AbortSignal.any([open.signal, options.signal]);
      return writeSnapshot({ ...(await session()), signal }, entries, options);
    },
    async *list(snapshot, options = {}) {
      yield* walkSnapshot(await session(), snapshot, options);
    },
    async *read(snapshot, options = {}) {
      const opened = await session();
      yield* readSnapshot(opened, reader(opened), snapshot, options);
    },
    previous(snapshot, root) {
      let found: ReturnType<typeof previousEntries> | undefined;
      return {
        async entry(path) {
          if (!found) {
            const opened = await session();
            found = previousEntries(opened, snapshot.tree, root, () => reader(opened));
          }
          return found.entry(path);
        },
      };
    },
    check: (options) => checkRepository(open, options),
    async prune(options) {
      refuseVersion1();
      const report = await pruneRepository(await session(), options);
      loading = undefined; // the packs are others now
      return report;
    },
    async [Symbol.asyncDispose]() {
      await sharedReader?.[Symbol.asyncDispose]();
      await lock?.[Symbol.asyncDispose]();
    },
  };
};

const unlockStore = async (store: Store, password: string): Promise<Pick<OpenStore, 'key' | 'sealer'>> => {
  if (!(await hasConfig(store)))
    throw new HoldfastError('REPOSITORY_MISSING', `there is no repository at ${store.location}`, {
      hint: 'make one with `holdfast init`, or check the path',
    });
  const { master } = await findKey(store, password);
  return { key: master, sealer: new Sealer(master) };
};

const lockStore = async (store: Store, sealer: Sealer, options: OpenOptions): Promise<Lock | undefined> => {
  throwIfCancelled(options.signal);
  if (options.lock === 'none') return undefined;
  return takeLock(store, sealer, {
    exclusive: options.lock === 'exclusive',
    signal: options.signal,
    ...(options.retryLockMs !== undefined && { retryMs: options.retryLockMs }),
  });
};
