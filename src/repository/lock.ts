// Locks as restic has them: a file in locks/ says who works here; shared ones bear each other, an exclusive one bears nobody.
// Source: restic's design document, «Locks», and its rules for refreshing and for stale locks.
import { hostname } from 'node:os';
import { z } from 'zod';
import { type Clock, systemClock } from '#lib/clock.ts';
import { forEachLimit, mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { dateToNanos } from '#lib/file-times.ts';
import { userName } from '#lib/home.ts';
import { mayBeAlive, thisProcess } from '#lib/process-identity.ts';
import type { Store } from '#stores/store.ts';
import type { Sealer } from './sealing/seal.ts';
import { isThere, listIds, loadUnpacked, saveUnpacked } from './sealing/unpacked.ts';
import { formatTime, parseTime, timeText } from './trees/time.ts';

const minuteMs = 60_000;
const refreshMs = 5 * minuteMs;
/** A lock that nobody refreshed for so long belongs to nobody. */
const staleMs = 30 * minuteMs;
/** Without a refresh for so long we must stop: others will soon call our lock stale. */
const lostMs = 22.5 * minuteMs;
/** How often to look at the time: the timers of a machine that sleeps stand still, and its locks grow old. */
const watchMs = 1000;
/** So long a cancelled run waits for its lock to be removed. */
const goodbyeMs = 10_000;
/** Two writers that look at the same moment see each other when they look again after this. */
const settleMs = 200;

const lockFile = z.object({
  time: timeText.transform((text) => Number(parseTime(text) / 1_000_000n)),
  exclusive: z.boolean().default(false),
  hostname: z.string().default(''),
  username: z.string().default(''),
  pid: z.number().default(0),
  /** Ours alone: which of the processes that had this id. */
  started: z.string().default(''),
});
type LockFile = z.infer<typeof lockFile>;

export interface Lock extends AsyncDisposable {
  /** Fires, with a REPOSITORY_LOCKED error, when others may not honour the lock any more: whoever holds it must stop writing. */
  readonly lost: AbortSignal;
  /** Resolves when it is certain that nobody took another lock in the same moment; until then nothing may be changed. */
  readonly settled: Promise<void>;
  /** True when nobody else has a lock. As long as ours is there, whoever comes later finds that he is not. */
  isAlone(): Promise<boolean>;
  /** Throws what `lost` would fire with when it does not count any more, or is not there: asked before what must not be done then. */
  refuseIfLost(): Promise<void>;
}

export interface LockOptions {
  readonly exclusive: boolean;
  readonly signal: AbortSignal;
  /** How long to wait for locks of others that are in the way. */
  readonly retryMs?: number;
  /** Return before the lock has settled, for work that begins with reading. */
  readonly early?: boolean;
  /** See OpenOptions. */
  readonly isOptional?: true;
  /** The names in locks/ a moment ago, for the first look; the second one asks the store. */
  readonly seen?: Promise<readonly string[]>;
  readonly clock?: Clock;
}

/** A lock file that was just stored. */
interface Saved {
  readonly id: string;
  readonly timeMs: number;
}

interface HeldLock {
  readonly exclusive: boolean;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly first: Saved;
  /** Fires when it is disposed of. */
  readonly ended: AbortController;
  readonly settled: Promise<void>;
}

/** Takes a lock; REPOSITORY_LOCKED when others' locks stay in the way. Disposing removes it. */
export const takeLock = async (store: Store, sealer: Sealer, options: LockOptions): Promise<Lock> => {
  const clock = options.clock ?? systemClock;
  const deadline = clock.now().getTime() + (options.retryMs ?? 0);
  let { seen } = options;
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, minuteMs)) {
    try {
      return await tryLock(store, sealer, options, clock, seen);
    } catch (error) {
      seen = undefined;
      const leftMs = deadline - clock.now().getTime();
      if (!hasCode(error, 'REPOSITORY_LOCKED') || leftMs <= 0) throw error;
      const jittered = waitMs * (0.5 + Math.random() / 2); // else two that met once would meet again
      await clock.sleep(Math.min(jittered, leftMs), options.signal);
    }
  }
};

const tryLock = async (
  store: Store,
  sealer: Sealer,
  { exclusive, signal, early = false, isOptional }: LockOptions,
  clock: Clock,
  seen: Promise<readonly string[]> | undefined,
): Promise<Lock> => {
  await refuseConflict(store, sealer, exclusive, clock, (await seen) ?? (await listIds(store, 'locks')));
  const first = await saveLock(store, sealer, exclusive, clock).catch((error: unknown) => {
    throw isOptional ? withNoLockHint(error) : error;
  });
  const ended = new AbortController();
  const settle = async (): Promise<void> => {
    await clock.sleep(settleMs, AbortSignal.any([signal, ended.signal]));
    const removeStale = async (): Promise<void> => {
      const others = (await listIds(store, 'locks')).filter((id) => id !== first.id);
      const stale = await refuseConflict(store, sealer, exclusive, clock, others);
      if (await removeLost(store, stale)) await removeStale(); // one that was refreshed has another name now
    };
    await removeStale();
  };
  const lock = holdLock(store, sealer, { exclusive, signal, clock, first, ended, settled: settle() });
  if (early) return lock;
  try {
    await lock.settled;
    return lock;
  } catch (error) {
    await Promise.allSettled([lock[Symbol.asyncDispose]()]); // the first error is the one to report
    throw error;
  }
};

/**
 * What was passed over must not be found again by a holder who lives on, whose clock is behind or whose machine was stopped: he
 * learns from it that his lock was lost. False where nothing was removed, also because nothing may be.
 */
const removeLost = async (store: Store, ids: readonly string[]): Promise<boolean> => {
  try {
    await forEachLimit(ids, store.connections, (id) => store.delete(`locks/${id}`));
    return ids.length > 0;
  } catch (error) {
    if (hasCode(error, 'STORE_DENIED')) return false;
    throw error;
  }
};

/** A repository on a full or read-only file system takes no lock, and can be read all the same; one that refuses us cannot. */
const withNoLockHint = (error: unknown): unknown => {
  if (!hasCode(error, 'STORE_DENIED', 'STORE_FULL')) return error;
  const hint = 'where only writing is impossible, commands that read go on with --no-lock';
  return new HoldfastError(error.code, error.message, {
    cause: error,
    hint: error.hint === undefined ? hint : `${error.hint}; ${hint}`,
  });
};

/** Keeps a lock fresh until it is disposed of. */
const holdLock = (
  store: Store,
  sealer: Sealer,
  { exclusive, signal, clock, first, ended, settled }: HeldLock,
): Lock => {
  let current = first;
  const own = new Set([first.id]);
  const stored = new Set([first.id]);
  const remove = async (id: string): Promise<void> => {
    await store.delete(`locks/${id}`);
    stored.delete(id);
  };
  const lost = new AbortController();
  const lose = (why: string, cause?: unknown): void =>
    lost.abort(
      new HoldfastError('REPOSITORY_LOCKED', `the lock on ${store.location} was lost: ${why}`, {
        cause,
        hint: 'nothing is damaged; run it again, what was stored is used. If it happens again, compare the clocks of the machines that use the repository',
      }),
    );
  const leftMs = (): number => current.timeMs + lostMs - clock.now().getTime();
  let lastError: unknown;
  const refresh = async (): Promise<void> => {
    const old = current.id;
    try {
      const next = await saveLock(store, sealer, exclusive, clock);
      own.add(next.id);
      stored.add(next.id);
      if (!(await isThere(store, `locks/${old}`))) lose('somebody removed it'); // asked now: who did has seen the new one, or comes first
      if (lost.signal.aborted) return await remove(next.id);
      current = next;
      await remove(old);
    } catch (error) {
      lastError = error; // there is time for several attempts
    }
  };
  const repeat = async (everyMs: number, act: () => Promise<void>): Promise<void> => {
    while (!ended.signal.aborted && !lost.signal.aborted) {
      await clock.sleep(everyMs, ended.signal).catch(() => {}); // cut short when it ends
      if (!ended.signal.aborted) await act();
    }
  };
  const watch = async (): Promise<void> => {
    if (leftMs() <= 0) lose('it could not be refreshed in time', lastError);
  };
  const settling = settled.catch((error: unknown) => {
    if (!ended.signal.aborted) lost.abort(error); // who works already must stop
  });
  const keeping = repeat(refreshMs, refresh);
  const watching = repeat(watchMs, watch);
  return {
    lost: lost.signal,
    settled,
    async isAlone() {
      const others = (await listIds(store, 'locks')).filter((id) => !own.has(id));
      return (await activeLocks(store, sealer, clock, others)).length === 0;
    },
    async refuseIfLost() {
      await watch();
      const { id } = current;
      if (!(await isThere(store, `locks/${id}`)) && id === current.id) lose('somebody removed it');
      lost.signal.throwIfAborted();
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      const removing = Promise.all([settling, keeping, watching]).then(async () => {
        for (const id of stored) await remove(id); // most often one
      });
      await (signal.aborted ? soon(removing, store, clock) : removing);
    },
  };
};

/** Whoever was cancelled does not wait long for a store that may be gone: the lock counts for half an hour at most. */
const soon = async (removing: Promise<void>, store: Store, clock: Clock): Promise<void> => {
  const removed = new AbortController();
  const late = async (): Promise<void> => {
    await clock.sleep(goodbyeMs, removed.signal);
    throw new HoldfastError('STORE_UNREACHABLE', `${store.location} does not answer`, {
      hint: 'check the line and the server',
    });
  };
  try {
    await Promise.race([removing, late()]);
  } finally {
    removed.abort();
  }
};

const saveLock = async (store: Store, sealer: Sealer, exclusive: boolean, clock: Clock): Promise<Saved> => {
  const now = clock.now();
  const { pid, started } = thisProcess();
  const id = await saveUnpacked(store, sealer, 'locks', {
    time: formatTime(dateToNanos(now)),
    exclusive,
    hostname: hostname(),
    username: userName(),
    pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    started,
  });
  return { id, timeMs: now.getTime() };
};

/** Returns those that would be in the way if they still counted. */
const refuseConflict = async (
  store: Store,
  sealer: Sealer,
  exclusive: boolean,
  clock: Clock,
  others: readonly string[],
): Promise<string[]> => {
  const stale: string[] = [];
  const inTheWay = async (): Promise<LockFile | undefined> => {
    const read = async (id: string) => ({ id, lock: await readLock(store, sealer, id) });
    for await (const { id, lock } of mapOrdered(others, store.connections, read)) {
      if (!lock || !(exclusive || lock.exclusive)) continue;
      if (!isStale(lock, clock)) return lock;
      stale.push(id);
    }
    return undefined;
  };
  const lock = await inTheWay();
  if (!lock) return stale;
  const kind = lock.exclusive ? 'exclusively ' : '';
  const since = new Date(lock.time).toISOString();
  throw new HoldfastError(
    'REPOSITORY_LOCKED',
    `the repository at ${store.location} is locked ${kind}by ${lock.username}@${lock.hostname}, process ${lock.pid}, since ${since}`,
    {
      hint: 'wait for it to end; if that process is gone, its lock counts for half an hour more, or until `holdfast unlock --remove-all`',
    },
  );
};

/** Those of these locks that count. */
const activeLocks = async (
  store: Store,
  sealer: Sealer,
  clock: Clock,
  ids: readonly string[],
): Promise<LockFile[]> => {
  const active: LockFile[] = [];
  for (const id of ids) {
    const lock = await readLock(store, sealer, id);
    if (lock && !isStale(lock, clock)) active.push(lock);
  }
  return active;
};

/** A lock as others see it. */
export interface SeenLock {
  readonly holder: string;
  readonly since: Date;
  readonly exclusive: boolean;
  /** Nobody holds it any more. */
  readonly stale: boolean;
}

/** All locks there are. */
export const seeLocks = async (store: Store, sealer: Sealer, clock: Clock): Promise<SeenLock[]> => {
  const seen: SeenLock[] = [];
  for (const id of await listIds(store, 'locks')) {
    const lock = await readLock(store, sealer, id);
    if (lock === undefined) continue;
    const { hostname: host, username, pid, time, exclusive } = lock;
    const holder = `${username}@${host}, process ${pid}`;
    seen.push({ holder, since: new Date(time), exclusive, stale: isStale(lock, clock) });
  }
  return seen;
};

/** Removes locks nobody holds any more, or all of them; returns how many. */
export const deleteLocks = async (
  store: Store,
  sealer: Sealer,
  all: boolean,
  clock: Clock,
): Promise<number> => {
  let removed = 0;
  await forEachLimit(await listIds(store, 'locks'), store.connections, async (id) => {
    const lock = all ? undefined : await readLock(store, sealer, id);
    if (!all && !(lock && isStale(lock, clock))) return;
    await store.delete(`locks/${id}`);
    removed += 1;
  });
  return removed;
};

/** Undefined when the lock was removed meanwhile. */
const readLock = async (store: Store, sealer: Sealer, id: string): Promise<LockFile | undefined> => {
  try {
    const lock = lockFile.safeParse(await loadUnpacked(store, sealer, 'locks', id));
    if (lock.success) return lock.data;
    throw new HoldfastError('REPOSITORY_DAMAGED', `locks/${id} is damaged: it is no lock`);
  } catch (cause) {
    if (hasCode(cause, 'OBJECT_MISSING')) return undefined;
    if (!hasCode(cause, 'REPOSITORY_DAMAGED')) throw cause;
    throw new HoldfastError('REPOSITORY_DAMAGED', cause.message, {
      cause,
      hint: 'nobody can tell whose it was; when nobody works here, remove it with `holdfast unlock --remove-all`',
    });
  }
};

const isStale = ({ time, hostname: host, pid, started }: LockFile, clock: Clock): boolean =>
  clock.now().getTime() - time > staleMs || (pid > 0 && !mayBeAlive({ host, pid, started }));
