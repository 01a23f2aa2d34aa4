// Time for tests: nobody waits.
import { setImmediate as otherWork } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import { HoldfastError } from './errors.ts';

interface Sleeper {
  readonly due: number;
  wake(): void;
}

/**
 * A clock that jumps to the next moment somebody sleeps for as soon as everybody else waits too, so that
 * what sleeps at once wakes in the right order.
 */
export const jumpingClock = (start = new Date('2026-01-01T00:00:00Z')): Clock => {
  let now = start.getTime();
  let running = false;
  const sleepers = new Set<Sleeper>();
  const run = async (): Promise<void> => {
    running = true;
    while (sleepers.size > 0) {
      for (let round = 0; round < 3; round += 1) await otherWork();
      const next = [...sleepers].toSorted((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      now = Math.max(now, next.due);
      sleepers.delete(next);
      next.wake();
    }
    running = false;
  };
  return {
    now: () => new Date(now),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper: Sleeper = {
          due: now + ms,
          wake: () => {
            signal?.removeEventListener('abort', cancel);
            resolve();
          },
        };
        const cancel = (): void => {
          sleepers.delete(sleeper);
          reject(new HoldfastError('CANCELLED', 'cancelled', { cause: signal?.reason }));
        };
        if (signal?.aborted) return cancel();
        signal?.addEventListener('abort', cancel, { once: true });
        sleepers.add(sleeper);
        if (!running) void run();
      }),
  };
};
