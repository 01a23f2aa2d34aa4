// The door of the engine: make a repository in a store, or open one.
import { systemClock, throwIfCancelled } from '#lib/clock.ts';
import { Semaphore } from '#lib/concurrency.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { type Log, silentLog } from '#lib/log.ts';
import type { Previous } from '#sources/source.ts';
import type { Store } from '#stores/store.ts';
import { loadBlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { checkRepository } from './check.ts';
import { createConfig, hasConfig, loadConfig } from './config.ts';
import type { LockMode, Repository, Snapshot } from './contract.ts';
import { copySnapshot } from './copy.ts';
import { diffSnapshots } from './diff.ts';
import { addKey, checkValueOf, findKey, listKeys, newMasterKey, removeKey } from './key.ts';
import { deleteLocks, type Lock, type SeenLock, seeLocks, takeLock } from './lock.ts';
import { EarlierNodes, previousEntries } from './previous.ts';
import { pruneRepository } from './prune.ts';
import { readSnapshot } from './read.ts';
import { repairIndex } from './repair-index.ts';
import { repairSnapshots } from './repair-snapshots.ts';
import { Sealer } from './seal.ts';
import type { OpenStore, Session } from './session.ts';
import { changedOnceSettled } from './settling-store.ts';
import { loadSnapshots, retagSnapshot } from './snapshot.ts';
import { usageOf } from './usage.ts';
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
  /** Told what is damaged and can be passed over. */
  readonly log?: Log;
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
  const { key, keyId, sealer } = await unlockStore(store, password);
  const config = await loadConfig(store, sealer);
  const lock = await lockStore(store, sealer, options);
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
  return openedRepository(open, lock);
};

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

/** An open repository's session and reader, loaded on first use. */
interface Loaded {
  session(): Promise<Session>;
  reader(): Promise<BlobReader>;
  /** What a backup is compared with, loaded once for source and engine. A damaged directory counts as empty: all is read anew. */
  earlier(snapshot: Snapshot): Promise<EarlierNodes>;
  /** The packs are others now: what was loaded is not good any more. */
  forgetLoaded(): Promise<void>;
}

/** How `copyFrom` comes to the inner parts of the other repository. */
const loadedParts = new WeakMap<Repository, Loaded>();

const loadOnUse = (open: OpenStore): Loaded => {
  let session: Promise<Session> | undefined;
  let reader: Promise<BlobReader> | undefined;
  let earlier: { readonly tree: string; readonly nodes: EarlierNodes } | undefined;
  const load = async (): Promise<Session> => ({
    ...open,
    blobs: await loadBlobIndex(open),
  });
  const loaded: Loaded = {
    session() {
      session ??= load();
      return session;
    },
    reader() {
      reader ??= loaded.session().then((opened) => new BlobReader(opened));
      return reader;
    },
    async earlier({ tree }) {
      const opened = await loaded.session();
      if (earlier?.tree !== tree) earlier = { tree, nodes: new EarlierNodes(opened, tree, 'is empty') };
      return earlier.nodes;
    },
    async forgetLoaded() {
      const old = reader;
      session = undefined;
      reader = undefined;
      earlier = undefined;
      await (await old)?.[Symbol.asyncDispose]();
    },
  };
  return loaded;
};

const openedRepository = (open: OpenStore, lock: Lock | undefined): Repository => {
  const { store, sealer } = open;
  const loaded = loadOnUse(open);
  const writers = new Semaphore(1);
  // One writer at a time: a blob counts as stored as soon as one has taken it on. What a failed one took on was never
  // stored, so the index is read anew after it.
  const writing = <Result>(dryRun: boolean, work: (session: Session) => Promise<Result>): Promise<Result> =>
    writers.run(async () => {
      try {
        const result = await work(await loaded.session());
        if (dryRun) await loaded.forgetLoaded();
        return result;
      } catch (error) {
        await loaded.forgetLoaded();
        throw error;
      }
    });
  const repository: Repository = {
    id: open.config.id,
    keyCheck: checkValueOf(open.key),
    location: store.location,
    snapshots: () => loadSnapshots(store, sealer, (error) => open.log.warn(`passed over: ${error.message}`)),
    async write(entries, options) {
      refuseVersion1(open);
      const signal = AbortSignal.any([open.signal, options.signal]);
      return writing(options.dryRun ?? false, async (session) => {
        const earlier = options.parent && (await loaded.earlier(options.parent));
        return writeSnapshot({ ...session, signal }, entries, options, earlier);
      });
    },
    async *list(snapshot, options = {}) {
      yield* walkSnapshot(await loaded.session(), snapshot, options);
    },
    async *read(snapshot, options = {}) {
      yield* readSnapshot(await loaded.session(), await loaded.reader(), snapshot, options);
    },
    previous(snapshot, root) {
      let entries: Previous | undefined;
      const open = async (): Promise<Previous> => {
        entries ??= previousEntries(
          await loaded.session(),
          await loaded.earlier(snapshot),
          root,
          loaded.reader,
        );
        return entries;
      };
      return {
        entry: (path) => (entries ? entries.entry(path) : open().then((opened) => opened.entry(path))),
      };
    },
    async *diff(before, after, options = {}) {
      yield* diffSnapshots(await loaded.session(), before, after, options);
    },
    async usage(snapshots, options = {}) {
      return usageOf(await loaded.session(), await loaded.reader(), snapshots, options);
    },
    check: (options) => checkRepository(open, options),
    async prune(options) {
      refuseVersion1(open);
      const report = await pruneRepository(await loaded.session(), options);
      await loaded.forgetLoaded();
      return report;
    },
    forget: ({ id }) => store.delete(`snapshots/${id}`),
    retag: (snapshot, tags) => retagSnapshot(store, sealer, snapshot, tags),
    keys: () => listKeys(store, open.keyId),
    addKey: (password) => addKey(store, password, open.key, systemClock.now()),
    removeKey: (id) => removeKey(store, id, open.keyId),
    changePassword: (password) => changePassword(open, password),
    async copyFrom(source, snapshot, options) {
      refuseVersion1(open);
      const from = loadedParts.get(source);
      if (!from) throw new HoldfastError('UNSUPPORTED', `cannot copy from ${source.location}`);
      return copySnapshot(
        await from.session(),
        await from.reader(),
        await loaded.session(),
        snapshot,
        options,
      );
    },
    async repairIndex(options) {
      const report = await repairIndex(open, options);
      await loaded.forgetLoaded();
      return report;
    },
    async repairSnapshots(options) {
      refuseVersion1(open);
      return writing(options.dryRun ?? false, (session) => repairSnapshots(session, options));
    },
    async [Symbol.asyncDispose]() {
      await loaded.forgetLoaded();
      try {
        await lock?.[Symbol.asyncDispose]();
      } catch (error) {
        // Whatever was done is done, and whatever failed is the error to report.
        open.log.warn(`the lock stays, for half an hour or until \`holdfast unlock\`: ${messageOf(error)}`);
      }
    },
  };
  loadedParts.set(repository, loaded);
  return repository;
};

const refuseVersion1 = ({ config, store }: OpenStore): void => {
  if (config.version !== 1) return;
  throw new HoldfastError(
    'UNSUPPORTED',
    `the repository at ${store.location} has format version 1, which is read only here`,
    {
      hint: 'upgrade it with `restic migrate upgrade_repo_v2`',
    },
  );
};

/** The new key is stored before the old one goes: at no moment does none open. */
const changePassword = async (open: OpenStore, password: string): Promise<string> => {
  const id = await addKey(open.store, password, open.key, systemClock.now());
  await open.store.delete(`keys/${open.keyId}`);
  return id;
};

const unlockStore = async (
  store: Store,
  password: string,
): Promise<Pick<OpenStore, 'key' | 'keyId' | 'sealer'>> => {
  if (!(await hasConfig(store)))
    throw new HoldfastError('REPOSITORY_MISSING', `there is no repository at ${store.location}`, {
      hint: 'make one with `holdfast init`, or check the path',
    });
  const { id, master } = await findKey(store, password);
  return { key: master, keyId: id, sealer: new Sealer(master) };
};

const lockStore = async (store: Store, sealer: Sealer, options: OpenOptions): Promise<Lock | undefined> => {
  throwIfCancelled(options.signal);
  if (options.lock === 'none') return undefined;
  return takeLock(store, sealer, {
    exclusive: options.lock === 'exclusive',
    early: options.lock === 'shared' && !options.retryLockMs,
    signal: options.signal,
    ...(options.retryLockMs !== undefined && { retryMs: options.retryLockMs }),
  });
};
