// When a job runs, from its schedule and what became of its due times so far. Nothing here looks at a clock or remembers.

import type { JobConfig } from '#config/config.ts';
import type { ScheduleConfig } from '#config/schedule.ts';
import { latestTime, nextTime } from '#lib/cron.ts';
import { durationMs } from '#lib/duration.ts';
import { machineName } from '#lib/machine-name.ts';
import { seededRandom } from '#lib/random.ts';

export interface ScheduledJob {
  readonly name: string;
  readonly verb: string;
  readonly schedule: ScheduleConfig;
  readonly overlap: 'skip' | 'wait';
  /** Jitter comes from it: another machine has another one. */
  readonly seed: string;
}

/** What a schedule is remembered as: when it is another, due times count anew. */
export const scheduleKey = ({ schedule }: ScheduledJob): string =>
  JSON.stringify('cron' in schedule ? [schedule.cron, schedule.timeZone] : [schedule.every]);

/** A job as its schedule knows it; none without a schedule. */
export const scheduledJob = ({ name, verb, schedule, overlap = 'skip' }: JobConfig): ScheduledJob[] =>
  schedule ? [{ name, verb, schedule, overlap, seed: `${machineName()} ${name}` }] : [];

/** What is known of a job's due times. */
export interface ScheduleFacts {
  /** From when the schedule counts, as it is now. */
  readonly since: Date;
  /** The newest due time that was dealt with. */
  readonly last?: LastDue | undefined;
}

export interface LastDue {
  readonly due: Date;
  /** How many due times its run stands for. */
  readonly covers: number;
  /** 'unfinished': its process was killed, or it was cancelled so that the daemon could stop. */
  readonly state: 'running' | 'done' | 'unfinished';
  /** How many runs it had. */
  readonly attempts: number;
  /** When it was done. */
  readonly endedAt?: Date;
}

export interface Moment {
  readonly now: Date;
  /** Since when somebody has been there to start jobs at their time. */
  readonly watchedSince: Date;
}

/** What to do: start a run, remember that there will be none, or look again later; `covers` counts the due times it deals with. */
export type Verdict =
  | { readonly do: 'run'; readonly due: Date; readonly startAt: Date; readonly covers: number }
  | { readonly do: 'skip'; readonly due: Date; readonly covers: number; readonly why: 'overlap' | 'missed' }
  /** Without a time: until something happens to the job. */
  | { readonly do: 'wait'; readonly until?: Date };

/** A due time whose run was killed gets so many runs. */
export const maxAttempts = 5;
/** So many due times at most are counted one by one. */
const maxCounted = 1000;

/** What to do with a job now. To be asked again after a run or skip, and at the time it says. */
export const judge = (job: ScheduledJob, facts: ScheduleFacts, moment: Moment): Verdict => {
  const { last } = facts;
  if (last?.state === 'running') return { do: 'wait' };
  const open = openDues(job, facts, moment.now);
  const again = last?.state === 'unfinished' && last.attempts < maxAttempts ? last : undefined;
  if (again) {
    const { due, startAt, count } = open.latest ?? { due: again.due, startAt: again.due, count: 0 };
    return { do: 'run', due, startAt, covers: again.covers + count };
  }
  if (open.latest === undefined) return { do: 'wait', ...(open.next && { until: open.next }) };
  const { due, startAt, count } = open.latest;
  const overlapped = overlappedDue(job, facts);
  if (overlapped) return { do: 'skip', due: overlapped.due, covers: overlapped.count, why: 'overlap' };
  const isMissed = startAt < moment.watchedSince && !job.schedule.runMissed;
  if (isMissed) return { do: 'skip', due, covers: count, why: 'missed' };
  return { do: 'run', due, startAt, covers: count };
};

/** When the job starts next by its schedule, if nothing is in the way; a time that has passed means that it is due. */
export const nextStart = (job: ScheduledJob, facts: ScheduleFacts, now: Date): Date | undefined => {
  const { latest, next } = openDues(job, facts, now);
  return latest?.startAt ?? next;
};

/** When the newest due time not yet dealt with should have started, as seen at `until`. */
export const openStart = (job: ScheduledJob, facts: ScheduleFacts, until: Date): Date | undefined =>
  openDues(job, facts, until).latest?.startAt;

interface OpenDue {
  readonly due: Date;
  readonly startAt: Date;
  /** With those before it that were not dealt with. */
  readonly count: number;
}

/** Of the due times not yet dealt with: the newest that may have started by `until`, and when the next one may start. */
const openDues = (
  job: ScheduledJob,
  facts: ScheduleFacts,
  until: Date,
): { readonly latest?: OpenDue; readonly next?: Date } => {
  let latest: OpenDue | undefined;
  let next: Date | undefined;
  let count = 0;
  for (const due of duesAfter(job.schedule, facts)) {
    if (due > until && next !== undefined && due >= next) break; // none after it can start earlier
    const startAt = startOf(job, due);
    count += 1;
    if (startAt <= until) latest = { due, startAt, count };
    else if (next === undefined || startAt < next) next = startAt;
    if (count >= maxCounted) return jumpTo(job, facts, until, count);
  }
  return { ...(latest && { latest }), ...(next && { next }) };
};

/** After a very long time the due times are not counted to the end. */
const jumpTo = (
  { schedule }: ScheduledJob,
  { since }: ScheduleFacts,
  until: Date,
  count: number,
): { readonly latest?: OpenDue } => {
  const due = 'cron' in schedule ? latestTime(cronOf(schedule), until) : latestOfGrid(schedule, since, until);
  return due ? { latest: { due, startAt: due, count } } : {};
};

/** What came due while the last run was under way, for a job that skips then. */
const overlappedDue = (job: ScheduledJob, facts: ScheduleFacts): OpenDue | undefined => {
  const endedAt = facts.last?.endedAt;
  return job.overlap === 'skip' && endedAt ? openDues(job, facts, endedAt).latest : undefined;
};

function* duesAfter(schedule: ScheduleConfig, { since, last }: ScheduleFacts): Generator<Date> {
  let after = new Date(Math.max(since.getTime() - 1, last?.due.getTime() ?? 0));
  for (;;) {
    const due = 'cron' in schedule ? nextTime(cronOf(schedule), after) : nextOfGrid(schedule, since, after);
    if (due === undefined) return;
    yield due;
    after = due;
  }
}

type Interval = Extract<ScheduleConfig, { readonly every: string }>;
type ByCron = Extract<ScheduleConfig, { readonly cron: string }>;

const cronOf = ({ cron, timeZone }: ByCron) => ({ expression: cron, timeZone });

/** An interval counts from when the schedule began, so that a late start does not shift those after it. */
const nextOfGrid = ({ every }: Interval, since: Date, after: Date): Date => {
  const steps = Math.floor((after.getTime() - since.getTime()) / durationMs(every)) + 1;
  return new Date(since.getTime() + Math.max(0, steps) * durationMs(every));
};

const latestOfGrid = ({ every }: Interval, since: Date, until: Date): Date =>
  new Date(until.getTime() - ((until.getTime() - since.getTime()) % durationMs(every)));

/** Jitter is chance that can be repeated: a daemon that is started anew finds the same. */
const startOf = ({ seed, schedule: { jitter } }: ScheduledJob, due: Date): Date => {
  if (jitter === undefined) return due;
  const share = seededRandom(`${seed} ${due.getTime()}`).next();
  return new Date(due.getTime() + Math.floor(share * durationMs(jitter)));
};
