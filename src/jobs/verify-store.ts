// The contract of a store held against a user's own storage: what holds, what does not, and how fast it is.
import { randomUUID } from 'node:crypto';
import { type Clock, throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { asError, hasCode } from '#lib/errors.ts';
import { runStoreCheck, type StoreSubject, sampleBytes, storeChecks } from '#stores/contract.ts';
import { type CheckedPlace, subjectAt } from '#stores/contract-names.ts';
import { keepsRepositoriesOnly, openStore, type StoreConfig, type StoreOptions } from '#stores/registry.ts';
import { scratchFolder } from '#stores/scratch.ts';
import { foldersOf, type Store } from '#stores/store.ts';
import type { JobContext } from './job-context.ts';

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
 * Runs every check below a scratch folder, or among the packs of a store that keeps repositories only, and removes what it stored.
 * Throws STORE_UNREACHABLE, STORE_DENIED or STORE_FULL when the storage cannot be used at all.
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
  const scratch = keepsRepositoriesOnly(task.store) ? undefined : `${scratchFolder}${randomUUID()}/`;
  const place = { store, open, scratch };
  const subject = subjectAt(place, 'speed');
  const bytes = Buffer.from(`Left behind by \`holdfast store verify\`: it may be removed. ${randomUUID()}\n`);
  const first = subject.key('first', bytes);
  await store.put(first, bytes);
  try {
    const refused = await tryOut(store, first);
    if (refused !== undefined) return { location: store.location, outcomes: [refused] };
    const outcomes = await checkAll(place, task, context);
    return { location: store.location, outcomes, speed: await measure(subject, clock) };
  } finally {
    await clearAway(subject.store, scratch ?? subject.prefix);
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
  place: CheckedPlace,
  { name, store: { kind } }: VerifyStoreTask,
  { signal, onEvent }: VerifyContext,
): Promise<PromiseOutcome[]> => {
  const checks = storeChecks
    .filter(({ opensAgain }) => !(opensAgain && kind === 'memory'))
    .filter(({ namesFreely }) => !(namesFreely && place.scratch === undefined));
  const outcomes: PromiseOutcome[] = [{ promise: removal }];
  for (const check of checks) {
    throwIfCancelled(signal);
    const progress = { phase: 'check', bytes: 0, items: outcomes.length, totalItems: checks.length + 1 };
    onEvent({ type: 'progress', subject: name, progress: { ...progress, current: check.name } });
    const error = await failureOf(runStoreCheck(check, place));
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

const measure = async ({ store, key }: StoreSubject, clock: Clock): Promise<StoreSpeed> => {
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const started = clock.now().getTime();
    await work();
    return Math.max(1, clock.now().getTime() - started);
  };
  const named = (name: string, bytes: Uint8Array) => ({ key: key(name, bytes), bytes });
  const putTimes: number[] = [];
  const getTimes: number[] = [];
  for (let index = 0; index < smallObjects; index += 1) {
    const small = named(`small-${index}`, sampleBytes(100, `small ${index}`));
    putTimes.push(await timed(() => store.put(small.key, small.bytes)));
    getTimes.push(await timed(() => store.get(small.key)));
  }
  const probe = named('probe', sampleBytes(probeBytes, 'probe'));
  const probeMs = await timed(() => store.put(probe.key, probe.bytes));
  const sizeBytes = Math.min(packBytes, Math.ceil((probeBytes / probeMs) * 1000 * measureSeconds));
  const packs = Array.from({ length: store.connections }, (_, index) =>
    named(`pack-${index}`, sampleBytes(sizeBytes, `pack ${index}`)),
  );
  const rate = async (work: (pack: (typeof packs)[number]) => Promise<unknown>): Promise<number> => {
    const ms = await timed(() => forEachLimit(packs, packs.length, async (pack) => void (await work(pack))));
    return (packs.length * sizeBytes * 1000) / ms;
  };
  return {
    putMs: middle(putTimes),
    getMs: middle(getTimes),
    putRate: await rate((pack) => store.put(pack.key, pack.bytes)),
    getRate: await rate((pack) => store.get(pack.key)),
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
