// The health as tables and lines, as people read it: on a screen, or on the page of the console.
import { formatAge, formatBytes, formatCount, formatTime, printable, shortId } from '#lib/format.ts';
import { formatLag, type ReceiverHealth } from '../receive/lag.ts';
import type { Health, JobHealth, RepositoryHealth, SourceHealth } from './health.ts';

export interface HealthTable {
  readonly columns: readonly { readonly title: string; readonly align?: 'right' }[];
  readonly rows: readonly (readonly string[])[];
}

/** A table each of jobs, sources, repositories and receivers, as far as there are any. Ages are as of `at`. */
export const healthTables = ({ jobs, sources, repositories, receivers, at }: Health): HealthTable[] => {
  const withJob = new Set(sources.map(placeOf)).size < sources.length;
  const tables: HealthTable[] = [
    {
      columns: [
        { title: 'Job' },
        { title: 'Last run' },
        { title: '' },
        { title: 'Last success' },
        { title: '' },
      ],
      rows: jobs.map((job) => jobRow(job, at)),
    },
    {
      columns: [
        { title: 'Source' },
        { title: 'Repository' },
        ...(withJob ? [{ title: 'Job' }] : []),
        { title: 'Last good' },
        { title: 'Size', align: 'right' },
        { title: '' },
      ],
      rows: sources.map((source) => sourceRow(source, at, withJob)),
    },
    {
      columns: [
        { title: 'Repository' },
        { title: 'Snapshots', align: 'right' },
        { title: 'Growth a day', align: 'right' },
        { title: 'Free', align: 'right' },
        { title: '' },
      ],
      rows: repositories.map(repositoryRow),
    },
    {
      columns: [{ title: 'Receiver' }, { title: 'Of' }, { title: '' }, { title: '' }],
      rows: receivers.map(receiverRow),
    },
  ];
  return tables.filter((table) => table.rows.length > 0);
};

/** A line for each trouble that is not over, and for each notifier that fails. */
export const healthLines = ({ troubles, notifiers, at }: Health): string[] => [
  ...troubles.map(({ subject, text, since }) => `${subject}: since ${formatTime(since)}: ${printable(text)}`),
  ...notifiers.flatMap(({ notifier, last, worked }) =>
    last.error
      ? [
          `notifier ${notifier} does not work: ${last.error.message}${worked ? `; it did ${formatAge(worked, at)}` : ''}`,
        ]
      : [],
  ),
];

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
