// The door of the engine: make a repository in a store, or open one.
import type { Store } from '#stores/store.ts';
import type { LockMode, Repository } from './contract.ts';

export interface OpenOptions {
  readonly lock: LockMode;
  readonly signal: AbortSignal;
  /** zstd level: 'fast' 1, 'default' 3, 'max' 9; 'off' stores blobs as they are. */
  readonly compression?: 'off' | 'fast' | 'default' | 'max';
  /** Open and compare each new blob before its pack is stored. Default true. */
  readonly verifyAfterSeal?: boolean;
  /** How long to wait for a conflicting lock, in milliseconds; default 0. */
  readonly retryLockMs?: number;
}

/** Makes a repository (REPOSITORY_EXISTS when there is one) and returns its id. */
export const createRepository = async (_store: Store, _password: string): Promise<string> => {
  throw new Error('not yet');
};

/** Opens one. REPOSITORY_MISSING, WRONG_PASSWORD, REPOSITORY_LOCKED as their names say. Disposing removes the lock and ends the workers, not the store. */
export const openRepository = async (
  _store: Store,
  _password: string,
  _options: OpenOptions,
): Promise<Repository> => {
  throw new Error('not yet');
};

/** Removes stale locks (restic's rule), or all of them; returns how many. Needs no lock of its own. */
export const removeLocks = async (_store: Store, _password: string, _all: boolean): Promise<number> => {
  throw new Error('not yet');
};
