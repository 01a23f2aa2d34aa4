// How far each receiver of the file is behind its sender, and why if it takes nothing in, by what this machine remembers.
import type { ReceivedLedger, ReceiveFailure, ReceiverName } from '#catalog/received.ts';
import type { JobConfig } from '#config/config.ts';
import { durationMs } from '#lib/duration.ts';
import { formatDuration } from '#lib/format.ts';

/** `takenAt` is when the sender was as the receiver is now; absent before anything was received. */
export interface ReceiverHealth {
  readonly job: string;
  readonly source: string;
  readonly into: string;
  readonly takenAt?: Date;
  readonly lagMs?: number;
  readonly snapshot?: string;
  /** How far behind it may be. */
  readonly maxLagMs?: number;
  /** Its last turn failed. */
  readonly failure?: Pick<ReceiveFailure, 'since' | 'error'>;
  readonly well: boolean;
}

export const receiversOf = (
  jobs: Iterable<JobConfig>,
  ledger: ReceivedLedger,
  now: Date,
): ReceiverHealth[] => {
  const known = ledger.all();
  const failures = ledger.failures();
  return [...jobs].flatMap((job) =>
    job.verb !== 'receive'
      ? []
      : job.receive.map(({ source, into }): ReceiverHealth => {
          const isOwn = (each: ReceiverName): boolean => each.job === job.name && each.target === into;
          const last = known.find(isOwn);
          const failure = failures.find(isOwn);
          const limit = job.maxLag === undefined ? {} : { maxLagMs: durationMs(job.maxLag) };
          const begin = { job: job.name, source, into, ...limit, ...(failure && { failure }) };
          if (last === undefined) return { ...begin, well: false };
          const { takenAt, snapshot } = last;
          const lagMs = Math.max(0, now.getTime() - takenAt.getTime());
          const isNear = lagMs <= (limit.maxLagMs ?? lagMs);
          return { ...begin, takenAt, snapshot, lagMs, well: isNear && failure === undefined };
        }),
  );
};

/** '3 min': nobody needs the seconds of a longer time. */
export const formatLag = (ms: number): string =>
  ms < 60_000 ? `${Math.round(ms / 1000)} s` : formatDuration(ms).replace(/ \d\d s$/, '');
