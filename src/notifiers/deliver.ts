// One notice to one notifier, with patience: what is unreachable for a moment is tried again.
import { type Clock, throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import type { Notice } from './notice.ts';
import type { Notifier } from './notifier.ts';

export interface DeliverOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** How long to wait before each further attempt; their number is that of the attempts after the first. */
  readonly waitsMs?: readonly number[];
}

/** Long enough for a restart of the other side, short enough for a run that waits for it. */
const usualWaitsMs = [1000, 5000, 15_000];

/** A side that is silent would hold up the run for the timeout of each attempt: after so long in attempts there is no other. */
const silenceMs = 25_000;

/** Returns how many attempts it took; throws what the last one threw. */
export const deliver = async (
  notifier: Notifier,
  notice: Notice,
  { clock, log, signal, waitsMs = usualWaitsMs }: DeliverOptions,
): Promise<number> => {
  let attemptsMs = 0;
  for (let attempt = 1; ; attempt += 1) {
    const startedMs = clock.now().getTime();
    try {
      await notifier.send(notice, signal);
      return attempt;
    } catch (error) {
      throwIfCancelled(signal);
      attemptsMs += clock.now().getTime() - startedMs;
      const waitMs = attemptsMs < silenceMs ? waitsMs[attempt - 1] : undefined;
      if (waitMs === undefined || !(error instanceof HoldfastError && error.kind.retry)) throw error;
      log.warn({ notifier: notifier.location, attempt, error: messageOf(error) }, 'telling again');
      await clock.sleep(retryAfterMs(error) ?? waitMs, signal);
    }
  }
};

/** The other side asked to be left alone for so long. */
export class LeaveAlone extends HoldfastError {
  readonly forMs: number;

  constructor(message: string, forMs: number) {
    super('NOTIFIER_UNREACHABLE', message);
    this.forMs = forMs;
  }
}

const longestWaitMs = 30_000;

const retryAfterMs = (error: HoldfastError): number | undefined =>
  error instanceof LeaveAlone ? Math.min(error.forMs, longestWaitMs) : undefined;
