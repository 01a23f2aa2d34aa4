// Waiting for what others hold, without making all who come later wait as long.
import type { Clock } from '#lib/clock.ts';
import type { Connection } from './connect.ts';
import { errno, errnoOf } from './server-error.ts';

export interface LockPatience {
  readonly clock: Clock;
  readonly seconds: number;
  /** Cuts the pauses short; without it they are waited out. */
  readonly signal?: AbortSignal | undefined;
}

/** Whoever comes after a statement that waits for a lock waits with it, so none waits longer than this at a time. */
const attemptSeconds = 3;
const pauseMs = 1000;

/** Does the work on the connection again and again while locks of others keep it from ending; then throws what the server says. */
export const patiently = async <Result>(
  connection: Connection,
  { clock, seconds, signal }: LockPatience,
  work: () => Promise<Result>,
): Promise<Result> => {
  const until = clock.now().getTime() + seconds * 1000;
  await connection.run(waitingFor(Math.min(attemptSeconds, seconds)));
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLocked(error) || clock.now().getTime() > until) throw error;
    }
    await clock.sleep(pauseMs, signal);
  }
};

/** The session's longest wait for a table. */
export const waitingFor = (seconds: number): string => `set session lock_wait_timeout = ${seconds}`;

/** Somebody uses what was to be changed; also where that is only the cause. */
export const isLocked = (error: unknown): boolean =>
  [error, error instanceof Error ? error.cause : undefined].some((each) =>
    [errno.lockWaitTimeout, errno.deadlock].some((locked) => errnoOf(each) === locked),
  );
