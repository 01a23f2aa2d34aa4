// One message a day with all that went on.
import type { Catalog } from '#catalog/catalog.ts';
import { type DueTimes, openDueTimes } from '#catalog/due-times.ts';
import type { Run } from '#catalog/run.ts';
import { isFarAhead } from '#catalog/wrong-clock.ts';
import type { Config } from '#config/config.ts';
import type { Subscription } from '#config/notify.ts';
import { formatBytes, formatTime, plural } from '#lib/format.ts';
import type { Notice } from '#notifiers/notice.ts';
import { makeNotice } from './notify.ts';

const dayMs = 86_400_000;
/** Of a job that runs every few minutes, the newest are enough for a digest. */
const mostRuns = 2000;

/** The digests that are due now, each with the notifier it is for. */
export const digestFor = (
  config: Config,
  catalog: Catalog,
  now: Date,
): [notifier: string, digest: Notice][] => {
  const wanted = [...config.jobs.values()].flatMap(({ name, notify = [] }) =>
    notify
      .filter(({ when }) => when?.includes('digest'))
      .map((subscription) => ({ job: name, subscription })),
  );
  if (wanted.length === 0) return [];
  using dueTimes = openDueTimes(catalog.path, () => {}, { now: () => now });
  return [...Map.groupBy(wanted, ({ subscription }) => subscription.to)].flatMap(([to, own]) => {
    const told = catalog.notices.lastTold(to, { event: 'digest' }, now)?.at;
    const last = told && !isFarAhead(told, now) ? told : undefined;
    const subscriptions = own.map(({ subscription }) => subscription);
    const before = last ?? wantedSince(to, subscriptions, dueTimes, now);
    if (!subscriptions.some((subscription) => before < lastTimeOfDay(subscription, now))) return [];
    const since = last ?? new Date(now.getTime() - dayMs);
    return [[to, digestOf([...new Set(own.map(({ job }) => job))], catalog, since, now)]];
  });
};

/** Digests count from when they were first asked for, as schedules do: the first one, too, comes at its time. */
const wantedSince = (
  to: string,
  subscriptions: readonly Subscription[],
  dueTimes: DueTimes,
  now: Date,
): Date => {
  const subject = `digest to ${to}`; // no job is called so
  const times = [...new Set(subscriptions.map(({ at }) => at))].toSorted().join();
  const since = dueTimes.since(subject, times);
  if (since === undefined) dueTimes.begin(subject, times, now);
  return since ?? now;
};

/** When that time of day last was, by the clock of this machine. */
const lastTimeOfDay = ({ at }: Subscription, now: Date): Date => {
  const [hours, minutes] = at.split(':').map(Number);
  const onDay = (daysBefore: number): Date =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysBefore, hours, minutes);
  return onDay(0) <= now ? onDay(0) : onDay(1);
};

const digestOf = (jobs: readonly string[], catalog: Catalog, since: Date, now: Date): Notice => {
  const runsOf = (job: string): Run[] =>
    catalog
      .runs({ job, limit: mostRuns })
      .filter(
        ({ startedAt, state }) => startedAt >= since && !isFarAhead(startedAt, now) && state !== 'skipped',
      );
  const byJob = jobs.map((job) => ({ job, runs: runsOf(job) }));
  const all = byJob.flatMap(({ runs }) => runs);
  const bad = all.filter(isBad);
  const open = catalog.notices.troubles();
  const title = `digest: ${plural(all.length, 'run')} of ${plural(jobs.length, 'job')}, ${bad.length === 0 ? 'all well' : `${bad.length} not well`}`;
  const paragraphs = [
    `since ${formatTime(since)}`,
    byJob.map(({ job, runs }) => jobLine(job, runs)).join('\n'),
    ...(open.length > 0
      ? [
          [
            'not over:',
            ...open.map(({ subject, text, since }) => `${subject}, since ${formatTime(since)}: ${text}`),
          ].join('\n'),
        ]
      : []),
  ];
  return makeNotice({ event: 'digest', title, paragraphs }, now);
};

const isBad = ({ state }: Run): boolean => state !== 'succeeded' && state !== 'running';

const jobLine = (job: string, runs: readonly Run[]): string => {
  const [last] = runs;
  if (last === undefined) return `${job}: no run`;
  const bad = runs.filter(isBad).length;
  const bytes = 'bytes' in last && last.bytes > 0 ? `, ${formatBytes(last.bytes)}` : '';
  return `${job}: ${plural(runs.length, 'run')}, ${bad === 0 ? 'all well' : `${bad} not well`}; the last ${formatTime(last.startedAt)}: ${last.state}${bytes}`;
};
