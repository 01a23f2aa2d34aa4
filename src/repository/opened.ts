// What can be done with a repository that is open. It takes long to load, and nothing before the key is known needs it.
import { systemClock } from '#lib/clock.ts';
import { early, Semaphore } from '#lib/concurrency.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Previous } from '#sources/source.ts';
import type { Repository, Snapshot } from './contract.ts';
import { diffSnapshots } from './diff.ts';
import type { Lock } from './lock.ts';
import { loadBlobIndex, readNewIndexFiles } from './packs/blob-index.ts';
import { BlobReader } from './reading/blob-reader.ts';
import { readSnapshot } from './reading/read.ts';
import { addKey, checkValueOf, listKeys, refuseTooManyKeys, removeKey } from './sealing/key.ts';
import type { OpenStore, Session } from './session.ts';
import { loadSnapshots, retagSnapshot } from './snapshot.ts';
import { EarlierNodes, previousEntries } from './trees/previous.ts';
import { walkSnapshot } from './trees/walk.ts';
import { checkRepository } from './upkeep/check.ts';
import { copySnapshot } from './upkeep/copy.ts';
import { pruneRepository } from './upkeep/prune.ts';
import { repairIndex } from './upkeep/repair-index.ts';
import { repairPacks } from './upkeep/repair-packs.ts';
import { repairSnapshots } from './upkeep/repair-snapshots.ts';
import { usageOf } from './upkeep/usage.ts';
import { writeSnapshot } from './writing/write.ts';

/** An open repository's session and reader, loaded on first use. */
interface Loaded {
  /** In it these snapshots' blobs are known, also of those that somebody stored after the index was read. */
  session(snapshots?: readonly Snapshot[]): Promise<Session>;
  reader(): Promise<BlobReader>;
  /** What a backup is compared with, loaded once for source and engine. A damaged directory counts as empty: all is read anew. */
  earlier(snapshot: Snapshot): Promise<EarlierNodes>;
  /** The packs are others now: what was loaded is not good any more. */
  forgetLoaded(): Promise<void>;
}

/** How `copyFrom` comes to the inner parts of the other repository. */
const loadedParts = new WeakMap<Repository, Loaded>();

const loadOnUse = (open: OpenStore, writers: Semaphore): Loaded => {
  let session: Promise<Session> | undefined;
  let reader: Promise<BlobReader> | undefined;
  let refreshing: Promise<void> | undefined;
  let earlier: { readonly tree: string; readonly nodes: EarlierNodes } | undefined;
  const load = async (): Promise<Session> => ({
    ...open,
    blobs: await loadBlobIndex(open),
  });
  const loaded: Loaded = {
    async session(snapshots = []) {
      session ??= load();
      const opened = await session;
      if (lacksRoot(opened, snapshots)) {
        if (writers.isFree) refreshing = writers.run(() => readNewIndexFiles(opened.blobs, open));
        await refreshing; // none while somebody writes, who may be waiting for what is read here
      }
      return opened;
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

const lacksRoot = ({ blobs }: Session, snapshots: readonly Snapshot[]): boolean =>
  snapshots.some(({ tree }) => !blobs.has(tree, 'tree'));

/** The repository; disposing removes the lock and ends the workers. */
export const openedRepository = (
  open: OpenStore,
  lock: Lock | undefined,
  readsIndex: boolean,
): Repository => {
  const { store, sealer } = open;
  const writers = new Semaphore(1);
  const loaded = loadOnUse(open, writers);
  if (readsIndex) void early(loaded.session());
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
      if (options.parent) await loaded.session([options.parent]).catch(() => {}); // the writer meets the error
      return writing(options.dryRun ?? false, async (session) => {
        const earlier = options.parent && (await loaded.earlier(options.parent));
        const before = earlier && { earlier, reader: loaded.reader };
        return writeSnapshot({ ...session, signal }, entries, options, before);
      });
    },
    async *list(snapshot, options = {}) {
      yield* walkSnapshot(await loaded.session([snapshot]), snapshot, options);
    },
    async *read(snapshot, options = {}) {
      yield* readSnapshot(await loaded.session([snapshot]), await loaded.reader(), snapshot, options);
    },
    previous(snapshot, root) {
      let entries: Pick<Previous, 'entry'> | undefined;
      const open = async (): Promise<Pick<Previous, 'entry'>> => {
        entries ??= previousEntries(
          await loaded.session(),
          await loaded.earlier(snapshot),
          root,
          loaded.reader,
        );
        return entries;
      };
      return {
        begun: snapshot.summary?.backupStart ?? snapshot.time,
        entry: (path) => (entries ? entries.entry(path) : open().then((opened) => opened.entry(path))),
      };
    },
    async *diff(before, after, options = {}) {
      yield* diffSnapshots(await loaded.session([before, after]), before, after, options);
    },
    async usage(snapshots, options = {}) {
      return usageOf(await loaded.session(snapshots), await loaded.reader(), snapshots, options);
    },
    check: (options) => checkRepository(open, options),
    async prune(options) {
      refuseVersion1(open);
      const report = await pruneRepository(await loaded.session(), options);
      await loaded.forgetLoaded();
      return report;
    },
    forget: ({ id }) => store.delete(`snapshots/${id}`),
    async retag(snapshot, tags) {
      refuseVersion1(open);
      return retagSnapshot(store, sealer, snapshot, tags);
    },
    keys: (onDamaged) => listKeys(store, open.keyId, onDamaged),
    async addKey(password) {
      await refuseTooManyKeys(store);
      return addKey(store, password, open.key, systemClock.now());
    },
    removeKey: (id) => removeKey(store, id, open.keyId),
    changePassword: (password) => changePassword(open, password),
    async copyFrom(source, snapshot, options) {
      refuseVersion1(open);
      const from = loadedParts.get(source);
      if (!from) throw new HoldfastError('UNSUPPORTED', `cannot copy from ${source.location}`);
      return writing(false, async (session) =>
        copySnapshot(await from.session([snapshot]), await from.reader(), session, snapshot, options),
      );
    },
    async repairIndex(options) {
      refuseVersion1(open);
      const report = await repairIndex(open, options);
      await loaded.forgetLoaded();
      return report;
    },
    async repairPacks(options) {
      refuseVersion1(open);
      const report = await repairPacks(await loaded.session(), await loaded.reader(), options);
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
  await open.store.delete(`keys/${open.keyId}`).catch((error: unknown) => {
    throw error instanceof HoldfastError ? bothOpen(error, open.keyId) : error;
  });
  return id;
};

const bothOpen = (cause: HoldfastError, oldKey: string): HoldfastError =>
  new HoldfastError(
    cause.code,
    `the new password opens the repository now, but the old one still does, too: ${cause.message}`,
    {
      cause,
      hint: `do not change it again: remove the old key with \`holdfast key remove ${shortId(oldKey)}\` as somebody who may delete there`,
    },
  );
