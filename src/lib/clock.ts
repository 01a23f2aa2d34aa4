// Time as a thing that is handed in, so that tests can move it.
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from './errors.ts';

export interface Clock {
  now(): Date;
  /** Resolves after so many milliseconds; throws CANCELLED as soon as the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(ms, signal) {
    try {
      await wait(ms, undefined, signal ? { signal } : {});
    } catch (cause) {
      throw new HoldfastError('CANCELLED', 'cancelled', { cause });
    }
  },
};

/** In the midst of much work that waits for nothing: all else has its turn, signals too. Throws as throwIfCancelled does. */
export const letOthersWork = async (signal: AbortSignal | undefined): Promise<void> => {
  await nextTurn();
  throwIfCancelled(signal);
};

/** Throws when the signal has fired: the HoldfastError it was fired with, as a lost lock does it, else CANCELLED. */
export const throwIfCancelled = (signal: AbortSignal | undefined): void => {
  if (!signal?.aborted) return; // read once: a signal made of several asks each of them
  if (signal.reason instanceof HoldfastError) throw signal.reason;
  throw new HoldfastError('CANCELLED', 'cancelled', { cause: signal.reason });
};
