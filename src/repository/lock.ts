// Locks as restic has them: a file in locks/ says who works here; shared ones bear each other, an exclusive one bears nobody.
// Source: restic's design document, «Locks», and its rules for refreshing and for stale locks.
import { hostname, userInfo } from 'node:os';
import { z } from 'zod';
import { type Clock, systemClock } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Store } from '#stores/store.ts';
import type { Sealer } from './seal.ts';
import { dateToNanos, formatTime, parseTime } from './time.ts';
import { listIds, loadUnpacked, saveUnpacked } from './unpacked.ts';

const minuteMs = 60_000;
const refreshMs = 5 * minuteMs;
/** A lock that nobody refreshed for so long belongs to nobody. */
const staleMs = 30 * minuteMs;
/** Without a refresh for so long we must stop: others will soon call our lock stale. */
const lostMs = 22.5 * minuteMs;
/** Two writers that look at the same moment see each other when they look again after this. */
const settleMs = 200;

const lockFile = z.object({
  time: z.string().transform((text) => Number(parseTime(text) / 1_000_000n)),
  exclusive: z.boolean().default(false),
  hostname: z.string().default(''),
  username: z.string().default(''),
  pid: z.number().default(0),
});
type LockFile = z.infer<typeof lockFile>;

export interface Lock extends AsyncDisposable {
  /** Fires when the lock could not be refreshed in time: whoever holds it must stop writing. */
  readonly lost: AbortSignal;
}

export interface LockOptions {
  readonly exclusive: boolean;
  readonly signal: AbortSignal;
  /** How long to wait for locks of others that are in the way. */
  readonly retryMs?: number;
  readonly clock?: Clock;
}

/** Takes a lock; REPOSITORY_LOCKED when others' locks stay in the way. Disposing removes it. */
export const takeLock = async (store: Store, sealer: Sealer, options: LockOptions): Promise<Lock> => {
  const clock = options.clock ?? systemClock;
  const deadline = clock.now().getTime() + (options.retryMs ?? 0);
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, minuteMs)) {
    try {
      return await tryLock(store, sealer, options, clock);
    } catch (error) {
      const leftMs = deadline - clock.now().getTime();
      if (!hasCode(error, 'REPOSITORY_LOCKED') || leftMs <= 0) throw error;
      await clock.sleep(Math.min(waitMs, leftMs), options.signal);
    }
  }
};

const tryLock = async (store: Store, sealer: Sealer, options: LockOptions, clock: Clock): Promise<Lock> => {
  await refuseConflict(store, sealer, options.exclusive, clock);
  let id = await saveLock(store, sealer, options.exclusive, clock);
  try {
    await clock.sleep(settleMs, options.signal);
    await refuseConflict(store, sealer, options.exclusive, clock, id);
  } catch (error) {
    await store.delete(`locks/${id}`);
    throw error;
  }
  const lost = new AbortController();
  let refreshedAt = clock.now().getTime();
  let refreshing: Promise<void> = Promise.resolve();
  const refresh = async (): Promise<void> => {
    try {
      const next = await saveLock(store, sealer, options.exclusive, clock);
      const old = id;
      id = next;
      refreshedAt = clock.now().getTime();
      await store.delete(`locks/${old}`);
    } catch (cause) {
      if (clock.now().getTime() - refreshedAt > lostMs)
        lost.abort(
          new HoldfastError('REPOSITORY_LOCKED', `the lock on ${store.location} could not be refreshed`, {
            cause,
          }),
        );
    }
  };
  const timer = setInterval(() => {
    refreshing = refreshing.then(refresh);
  }, refreshMs);
  timer.unref();
  return {
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await refreshing;
      await store.delete(`locks/${id}`);
    },
  };
};

const saveLock = (store: Store, sealer: Sealer, exclusive: boolean, clock: Clock): Promise<string> =>
  saveUnpacked(store, sealer, 'locks', {
    time: formatTime(dateToNanos(clock.now())),
    exclusive,
    hostname: hostname(),
    username: userInfo().username,
    pid: process.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });

const refuseConflict = async (
  store: Store,
  sealer: Sealer,
  exclusive: boolean,
  clock: Clock,
  own?: string,
): Promise<void> => {
  for (const id of await listIds(store, 'locks')) {
    if (id === own) continue;
    const lock = await readLock(store, sealer, id);
    if (!lock || isStale(lock, clock) || !(exclusive || lock.exclusive)) continue;
    const kind = lock.exclusive ? 'exclusively ' : '';
    const since = new Date(lock.time).toISOString();
    throw new HoldfastError(
      'REPOSITORY_LOCKED',
      `the repository at ${store.location} is locked ${kind}by ${lock.username}@${lock.hostname}, process ${lock.pid}, since ${since}`,
      { hint: 'wait for it to end; if that process is gone, run `holdfast unlock`' },
    );
  }
};

/** Removes locks nobody holds any more, or all of them; returns how many. */
export const deleteLocks = async (
  store: Store,
  sealer: Sealer,
  all: boolean,
  clock: Clock,
): Promise<number> => {
  let removed = 0;
  for (const id of await listIds(store, 'locks')) {
    if (!all) {
      const lock = await readLock(store, sealer, id);
      if (!lock || !isStale(lock, clock)) continue;
    }
    await store.delete(`locks/${id}`);
    removed += 1;
  }
  return removed;
};

/** Undefined when the lock was removed meanwhile. */
const readLock = async (store: Store, sealer: Sealer, id: string): Promise<LockFile | undefined> => {
  try {
    const lock = lockFile.safeParse(await loadUnpacked(store, sealer, 'locks', id));
    if (lock.success) return lock.data;
    throw new HoldfastError('REPOSITORY_DAMAGED', `locks/${id} is not a lock`, {
      hint: 'remove it with `holdfast unlock --all`',
    });
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return undefined;
    throw error;
  }
};

const isStale = (lock: LockFile, clock: Clock): boolean => {
  if (clock.now().getTime() - lock.time > staleMs) return true;
  return lock.hostname === hostname() && lock.pid > 0 && !isAlive(lock.pid);
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
