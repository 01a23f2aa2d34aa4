// The health, as its user reads it.
import type { Health, JobHealth, RepositoryHealth, SourceHealth } from '#jobs/health/health.ts';
import { formatLag, type ReceiverHealth } from '#jobs/receive/lag.ts';
import { formatAge, formatBytes, formatCount, formatTime, printable, shortId } from '#lib/format.ts';
import type { Output } from './output.ts';
import { runFields } from './runs.ts';

/** Nothing needs anybody. */
export const isWell = ({ jobs, sources, repositories, receivers, notifiers }: Health): boolean =>
  jobs.every(({ well }) => well) &&
  receivers.every(({ well }) => well) &&
  sources.every(({ state }) => state === 'ok') &&
  repositories.every(({ error, shortage }) => error === undefined && shortage === undefined) &&
  notifiers.every(({ last }) => last.error === undefined);

/** A table each of jobs, sources and repositories; and a line for each notifier that fails. */
export const showHealth = async (output: Output, health: Health): Promise<void> => {
  if (output.json) return await showFields(output, health);
  const { jobs, sources, repositories, receivers, notifiers, troubles, at } = health;
  if (jobs.length > 0)
    await output.table(
      [{ title: 'Job' }, { title: 'Last run' }, { title: '' }, { title: 'Last success' }, { title: '' }],
      jobs.map((job) => jobRow(job, at)),
    );
  const withJob = new Set(sources.map(placeOf)).size < sources.length;
  if (sources.length > 0)
    await output.table(
      [
        { title: 'Source' },
        { title: 'Repository' },
        ...(withJob ? [{ title: 'Job' }] : []),
        { title: 'Last good' },
        { title: 'Size', align: 'right' },
        { title: '' },
      ],
      sources.map((source) => sourceRow(source, at, withJob)),
    );
  if (repositories.length > 0)
    await output.table(
      [
        { title: 'Repository' },
        { title: 'Snapshots', align: 'right' },
        { title: 'Growth a day', align: 'right' },
        { title: 'Free', align: 'right' },
        { title: '' },
      ],
      repositories.map(repositoryRow),
    );
  if (receivers.length > 0)
    await output.table(
      [{ title: 'Receiver' }, { title: 'Of' }, { title: '' }, { title: '' }],
      receivers.map(receiverRow),
    );
  for (const { subject, text, since } of troubles)
    await output.result(undefined, `${subject}: since ${formatTime(since)}: ${printable(text)}`);
  for (const { notifier, last, worked } of notifiers)
    if (last.error)
      await output.result(
        undefined,
        `notifier ${notifier} does not work: ${last.error.message}${worked ? `; it did ${formatAge(worked, at)}` : ''}`,
      );
};

const jobRow = ({ job, last, lastSuccess, missed }: JobHealth, now: Date): string[] => [
  job,
  last?.state ?? 'never ran',
  last ? formatAge(last.startedAt, now) : '',
  lastSuccess ? formatAge(lastSuccess.startedAt, now) : last ? 'never' : '',
  missed
    ? `did not run ${formatTime(missed)}: is the daemon running?`
    : last && 'error' in last && last.error
      ? last.error.message
      : '',
];

/** Two jobs may back one source up into the same repository, and each has a right to its own. */
const placeOf = ({ source, repository }: SourceHealth): string => `${source} ${repository}`;

const sourceRow = (
  { source, repository, job, good, state, needed }: SourceHealth,
  now: Date,
  withJob: boolean,
): string[] => [
  source,
  repository,
  ...(withJob ? [job] : []),
  good ? `${shortId(good.id)}, ${formatAge(good.time, now)}` : state === 'unknown' ? '' : 'none',
  good ? formatBytes(good.bytes) : '',
  sourceTexts[state] + (state === 'late' && needed ? ` ${formatTime(needed)}` : ''),
];

const sourceTexts: Readonly<Record<SourceHealth['state'], string>> = {
  ok: 'ok',
  late: 'LATE: should be newer than',
  none: 'NO GOOD SNAPSHOT',
  partial: 'the newest is partial',
  suspicious: 'the newest is suspicious: see "holdfast accept --help"',
  unknown: 'unknown: the repository cannot be looked at',
};

const repositoryRow = (one: RepositoryHealth): string[] => [
  one.repository,
  one.snapshots === undefined ? '' : formatCount(one.snapshots),
  one.bytesPerDay === undefined ? '' : formatBytes(one.bytesPerDay),
  one.space ? `${formatBytes(one.space.freeBytes)} of ${formatBytes(one.space.totalBytes)}` : '',
  one.error ?? one.shortage ?? (one.daysLeft === undefined ? '' : `will do for ${daysText(one.daysLeft)}`),
];

const receiverRow = ({ into, source, lagMs, maxLagMs, failure }: ReceiverHealth): string[] => [
  into,
  source,
  lagMs === undefined ? 'NOTHING RECEIVED YET' : `${formatLag(lagMs)} behind${tooFar(lagMs, maxLagMs)}`,
  failure ? `fails since ${formatTime(failure.since)}: ${failure.error.message}` : '',
];

const tooFar = (lagMs: number, maxLagMs: number | undefined): string =>
  maxLagMs === undefined || lagMs <= maxLagMs ? '' : `: TOO FAR, ${formatLag(maxLagMs)} is the limit`;

const daysText = (days: number): string =>
  days > 3650 ? 'more than ten years' : `${formatCount(Math.floor(days))} days`;

const showFields = async (output: Output, health: Health): Promise<void> => {
  const { jobs, sources, repositories, receivers, notifiers, troubles } = health;
  for (const { job, well, missed, last, lastSuccess } of jobs)
    await output.result(
      {
        message_type: 'job',
        job,
        well,
        missed,
        last: last && runFields(last),
        last_success: lastSuccess && runFields(lastSuccess),
      },
      undefined,
    );
  for (const { good, ...source } of sources)
    await output.result(
      { message_type: 'source', ...source, snapshot_id: good?.id, time: good?.time, size_bytes: good?.bytes },
      undefined,
    );
  for (const { space, bytesPerDay, daysLeft, ...repository } of repositories)
    await output.result(
      {
        message_type: 'repository',
        ...repository,
        free_bytes: space?.freeBytes,
        total_bytes: space?.totalBytes,
        growth_bytes_per_day: bytesPerDay,
        days_left: daysLeft,
      },
      undefined,
    );
  for (const { job, source, into, takenAt, lagMs, snapshot, well, failure } of receivers)
    await output.result(
      {
        ...{ message_type: 'receiver', job, source, into, well, snapshot_id: snapshot, time: takenAt },
        lag_seconds: lagMs === undefined ? undefined : Math.round(lagMs / 1000),
        failing_since: failure?.since,
        error: failure?.error,
      },
      undefined,
    );
  for (const trouble of troubles) await output.result({ message_type: 'trouble', ...trouble }, undefined);
  for (const { notifier, last, worked } of notifiers)
    await output.result({ message_type: 'notifier', notifier, worked, error: last.error }, undefined);
};
