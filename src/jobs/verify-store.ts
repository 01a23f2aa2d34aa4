// The contract of a store held against a user's own storage: what holds, what does not, and how fast it is.
import { randomUUID } from 'node:crypto';
import { type Clock, throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { asError, hasCode } from '#lib/errors.ts';
import { runStoreCheck, type StoreSubject, sampleBytes, storeChecks } from '#stores/contract.ts';
import { openStore, type StoreConfig, type StoreOptions } from '#stores/registry.ts';
import { scratchFolder } from '#stores/scratch.ts';
import { foldersOf, type Store } from '#stores/store.ts';
import type { JobContext } from './backup.ts';

/** How one promise stands. */
export interface PromiseOutcome {
  /** The promise, as a sentence. */
  readonly promise: string;
  /** Absent when it holds. */
  readonly error?: Error;
  /** What a broken one means for backups. */
  readonly matters?: string;
}

export interface StoreSpeed {
  /** Milliseconds that one small object takes, the middle of several. */
  readonly putMs: number;
  readonly getMs: number;
  /** Bytes per second with as many objects at once as the store likes. */
  readonly putRate: number;
  readonly getRate: number;
  readonly connections: number;
}

export interface StoreVerification {
  readonly location: string;
  readonly outcomes: readonly PromiseOutcome[];
  /** Absent when nothing can be removed there: what is measured would stay. */
  readonly speed?: StoreSpeed;
}

export interface VerifyStoreTask {
  readonly name: string;
  readonly store: StoreConfig;
  readonly options: StoreOptions;
}

type VerifyContext = Pick<JobContext, 'signal' | 'clock' | 'log' | 'onEvent'>;

/** A store that does not answer for so long is given up. */
const patienceMs = 30_000;

/**
 * Runs every check below a scratch folder and removes what it stored there. Throws STORE_UNREACHABLE, STORE_DENIED or STORE_FULL when
 * the storage cannot be used at all.
 */
export const verifyStore = async (
  task: VerifyStoreTask,
  context: VerifyContext,
): Promise<StoreVerification> => {
  const { signal, clock, log } = context;
  const open = (): Promise<Store> =>
    openStore(
      task.store,
      { name: task.name, signal, clock, log },
      { ...task.options, cacheFolder: undefined, patienceMs },
    );
  await using store = await open();
  const prefix = `${scratchFolder}${randomUUID()}/`;
  const first = `${prefix}first`;
  await store.put(first, Buffer.from('Left behind by `holdfast store verify`: it may be removed.\n'));
  try {
    const refused = await tryOut(store, first);
    if (refused !== undefined) return { location: store.location, outcomes: [refused] };
    const outcomes = await checkAll({ store, open, prefix }, task, context);
    return { location: store.location, outcomes, speed: await measure(store, prefix, clock) };
  } finally {
    await clearAway(store, prefix);
  }
};

const removal = 'what is stored can be removed again';

/** Nothing else is tried where nothing can be removed: it would stay there for ever. */
const tryOut = async (store: Store, key: string): Promise<PromiseOutcome | undefined> => {
  await store.get(key);
  await Array.fromAsync(store.list(key));
  try {
    await store.delete(key);
    return undefined;
  } catch (error) {
    if (!hasCode(error, 'STORE_DENIED')) throw error;
    return {
      promise: removal,
      error,
      matters: `backups go on, if at least what is below locks/ can be removed; forget and prune need other rights. ${key} stays there`,
    };
  }
};

const checkAll = async (
  subject: StoreSubject,
  { name, store: { kind } }: VerifyStoreTask,
  { signal, onEvent }: VerifyContext,
): Promise<PromiseOutcome[]> => {
  const checks = storeChecks.filter(({ opensAgain }) => !(opensAgain && kind === 'memory'));
  const outcomes: PromiseOutcome[] = [{ promise: removal }];
  for (const check of checks) {
    throwIfCancelled(signal);
    const progress = { phase: 'check', bytes: 0, items: outcomes.length, totalItems: checks.length + 1 };
    onEvent({ type: 'progress', subject: name, progress: { ...progress, current: check.name } });
    const error = await failureOf(runStoreCheck(check, subject));
    if (hasCode(error, 'STORE_UNREACHABLE', 'STORE_FULL', 'CANCELLED')) throw error; // no promise about that
    outcomes.push({ promise: check.name, ...(error && { error, matters: check.matters }) });
  }
  return outcomes;
};

const failureOf = (work: Promise<void>): Promise<Error | undefined> => work.then(() => undefined, asError);

const smallObjects = 5;
const probeBytes = 1024 * 1024;
const packBytes = 16 * 1024 * 1024;
/** About how long each direction is measured. */
const measureSeconds = 4;

const measure = async (store: Store, prefix: string, clock: Clock): Promise<StoreSpeed> => {
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const started = clock.now().getTime();
    await work();
    return Math.max(1, clock.now().getTime() - started);
  };
  const small = Array.from({ length: smallObjects }, (_, index) => `${prefix}speed/small-${index}`);
  const putTimes: number[] = [];
  const getTimes: number[] = [];
  for (const key of small) putTimes.push(await timed(() => store.put(key, Buffer.from(key))));
  for (const key of small) getTimes.push(await timed(() => store.get(key)));
  const probe = sampleBytes(probeBytes, 'probe');
  const probeMs = await timed(() => store.put(`${prefix}speed/probe`, probe));
  const sizeBytes = Math.min(packBytes, Math.ceil((probeBytes / probeMs) * 1000 * measureSeconds));
  const packs = Array.from({ length: store.connections }, (_, index) => `${prefix}speed/pack-${index}`);
  const bytes = sampleBytes(sizeBytes, 'pack');
  const rate = async (work: (key: string) => Promise<unknown>): Promise<number> => {
    const ms = await timed(() => forEachLimit(packs, packs.length, async (key) => void (await work(key))));
    return (packs.length * sizeBytes * 1000) / ms;
  };
  return {
    putMs: middle(putTimes),
    getMs: middle(getTimes),
    putRate: await rate((key) => store.put(key, bytes)),
    getRate: await rate((key) => store.get(key)),
    connections: store.connections,
  };
};

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** What cannot be removed was told of before. */
const clearAway = async (store: Store, prefix: string): Promise<void> => {
  try {
    const left = await Array.fromAsync(store.list(prefix));
    await forEachLimit(left, store.connections, ({ key }) => store.delete(key));
    await foldersOf(store)?.removeEmptyFolders(scratchFolder);
  } catch (error) {
    if (!hasCode(error, 'STORE_DENIED', 'STORE_UNREACHABLE')) throw error;
  }
};
