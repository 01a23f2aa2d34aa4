// A job's `timeLimit`.
import type { JobConfig } from '#config/config.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError } from '#lib/errors.ts';

export interface TimeLimit extends Disposable {
  /** Fires as the one it was made from does, and when the job has taken too long. */
  readonly signal: AbortSignal;
  /** What is thrown because of the limit is the limit itself, whatever it looks like where it is thrown. */
  hold<Result>(work: Promise<Result>): Promise<Result>;
}

/** Begins to count. */
export const timeLimit = ({ name, timeLimit: limit }: JobConfig, signal: AbortSignal): TimeLimit => {
  if (limit === undefined) return { signal, hold: (work) => work, [Symbol.dispose]() {} };
  const tooLong = new AbortController();
  const reason = new HoldfastError('FAILED', `took longer than ${limit}, its time limit`, {
    hint: `what was stored is used by the next run; give ${name} a longer timeLimit`,
  });
  const timer = setTimeout(() => tooLong.abort(reason), durationMs(limit));
  return {
    signal: AbortSignal.any([signal, tooLong.signal]),
    async hold(work) {
      try {
        return await work;
      } catch (error) {
        throw tooLong.signal.aborted && !signal.aborted ? reason : error;
      }
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
};
