// What the schedules say should have happened by now: the daemon may be dead, so whoever asks finds out.
import { type DueTimes, openDueTimes } from '#catalog/due-times.ts';
import type { JobConfig } from '#config/config.ts';
import { latestTime } from '#lib/cron.ts';
import { durationMs } from '#lib/duration.ts';
import { openStart, type ScheduledJob, scheduledJob, scheduleKey } from '../schedule.ts';

export interface Expected {
  /** When a run should have begun, and did not. */
  readonly missed?: Date;
  /** What the job makes should be newer than this. */
  readonly needed?: Date;
}

/** So late a job may begin without anybody being told: others may be in its way. */
const graceMs = 3_600_000;

/** What is expected of each job that has a schedule which a daemon has seen. */
export const expectedRuns = (
  catalogPath: string,
  jobs: Iterable<JobConfig>,
  now: Date,
): ReadonlyMap<string, Expected> => {
  const scheduled = [...jobs].flatMap(scheduledJob);
  if (scheduled.length === 0) return new Map();
  using dueTimes = openDueTimes(catalogPath, () => {}, { now: () => now });
  return new Map(scheduled.map((job) => [job.name, expectedOf(job, dueTimes, now)]));
};

const expectedOf = (job: ScheduledJob, dueTimes: DueTimes, now: Date): Expected => {
  const since = dueTimes.since(job.name, scheduleKey(job));
  const last = dueTimes.last(job.name);
  // A schedule counts from when a daemon first saw it, and what is under way is not over.
  if (since === undefined || last?.state === 'running') return {};
  const early = new Date(now.getTime() - graceMs);
  const missed = openStart(job, { since, last }, early);
  const needed = lastDue(job, early);
  return { ...(missed && { missed }), ...(needed && needed >= since && { needed }) };
};

/** The newest due time whose run has begun by then, whatever its jitter; of an interval, one interval before. */
const lastDue = ({ schedule }: ScheduledJob, until: Date): Date | undefined => {
  const begun = new Date(until.getTime() - (schedule.jitter ? durationMs(schedule.jitter) : 0));
  if ('every' in schedule) return new Date(begun.getTime() - durationMs(schedule.every));
  return latestTime({ expression: schedule.cron, timeZone: schedule.timeZone }, begun);
};
