// How far each receiver of the file is behind its sender, by what this machine remembers.
import type { ReceivedLedger } from '#catalog/received.ts';
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
  readonly well: boolean;
}

export const receiversOf = (
  jobs: Iterable<JobConfig>,
  ledger: ReceivedLedger,
  now: Date,
): ReceiverHealth[] => {
  const known = ledger.all();
  return [...jobs].flatMap((job) =>
    job.verb !== 'receive'
      ? []
      : job.receive.map(({ source, into }): ReceiverHealth => {
          const last = known.find((each) => each.job === job.name && each.target === into);
          const limit = job.maxLag === undefined ? {} : { maxLagMs: durationMs(job.maxLag) };
          const begin = { job: job.name, source, into, ...limit };
          if (last === undefined) return { ...begin, well: false };
          const { takenAt, snapshot } = last;
          const lagMs = Math.max(0, now.getTime() - takenAt.getTime());
          return { ...begin, takenAt, snapshot, lagMs, well: lagMs <= (limit.maxLagMs ?? lagMs) };
        }),
  );
};

/** '3 min': nobody needs the seconds of a longer time. */
export const formatLag = (ms: number): string =>
  ms < 60_000 ? `${Math.round(ms / 1000)} s` : formatDuration(ms).replace(/ \d\d s$/, '');
