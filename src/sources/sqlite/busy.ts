// Waiting for other people's locks, without holding up everything else as SQLite's own busy handler would.
import { throwIfCancelled } from '#lib/clock.ts';
import type { Context } from '#lib/kind.ts';
import { isBusy } from './sqlite-error.ts';

const pauseMs = 50;

/** Does the work again until nobody's lock is in the way, or the time is up: then SQLite's own error is thrown. */
export const whenFree = async <Result>(
  work: () => Result | Promise<Result>,
  timeoutSeconds: number,
  { clock, signal }: Pick<Context, 'clock' | 'signal'>,
): Promise<Result> => {
  const deadline = clock.now().getTime() + timeoutSeconds * 1000;
  for (;;) {
    throwIfCancelled(signal);
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || clock.now().getTime() >= deadline) throw error;
    }
    await clock.sleep(pauseMs, signal);
  }
};
