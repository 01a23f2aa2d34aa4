// A repository for as long as some work takes: store and repository are opened before it and closed after it.
import type { RepositoryConfig } from '#config/config.ts';
import type { LockMode, Repository } from '#repository/contract.ts';
import { createRepository, openRepository, removeLocks } from '#repository/repository.ts';
import { openStore } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from './job-context.ts';

type OpenContext = Omit<JobContext, 'onEvent'>;

export interface UseOptions {
  readonly lock: LockMode;
  /** How long to wait for locks that are in the way, unless the context says how long. */
  readonly retryLockMs?: number;
  /** See OpenOptions. */
  readonly meanwhile?: () => Promise<unknown>;
  /** See OpenOptions. */
  readonly readsIndex?: boolean;
  /** Everything is read from the store itself, and nothing from a cache: for whoever looks for damage there. */
  readonly uncached?: true;
  /** Whoever asks could also do without a lock, with --no-lock: the hint where none can be written. */
  readonly isOptional?: true;
}

/** Runs `work` with the repository opened; store and lock are let go of whatever happens. */
export const withRepository = async <Result>(
  config: RepositoryConfig,
  { lock, retryLockMs, meanwhile, readsIndex = false, uncached, isOptional }: UseOptions,
  context: OpenContext,
  work: (repository: Repository) => Promise<Result>,
): Promise<Result> => {
  const patienceMs = context.retryLockMs ?? retryLockMs;
  await using store = await openedStore(config, uncached ? withoutCache(context) : context);
  await using repository = await openRepository(store, config.password.reveal(), {
    lock,
    signal: context.signal,
    log: context.log,
    compression: config.compression,
    verifyAfterSeal: config.verifyWrites,
    readsIndex,
    ...(patienceMs !== undefined && { retryLockMs: patienceMs }),
    ...(meanwhile && { meanwhile }),
    ...(isOptional && { isLockOptional: true }),
  });
  return await work(repository);
};

/** Makes the repository and returns its id. */
export const initRepository = async (config: RepositoryConfig, context: OpenContext): Promise<string> => {
  await using store = await openedStore(config, context);
  return await createRepository(store, config.password.reveal());
};

/** Removes the locks nobody holds any more, or all of them, and returns how many. */
export const unlockRepository = async (
  config: RepositoryConfig,
  all: boolean,
  context: OpenContext,
): Promise<number> => {
  await using store = await openedStore(config, context);
  return await removeLocks(store, config.password.reveal(), all);
};

const withoutCache = (context: OpenContext): OpenContext => ({
  ...context,
  storeOptions: { ...context.storeOptions, cacheFolder: undefined },
});

const openedStore = (config: RepositoryConfig, context: OpenContext): Promise<Store> => {
  const { signal, clock, log, storeOptions = {} } = context;
  const { name, limitUpload, limitDownload } = config;
  return openStore(
    config.store,
    { name, signal, clock, log },
    { limitUpload, limitDownload, ...storeOptions },
  );
};
