// What a report says in words, whatever its format.
import type { Drill, QueryRecord } from '#catalog/drill.ts';
import type { DrilledPoint } from '#catalog/drilled-point.ts';
import { formatBytes, formatDuration, plural, shortId } from '#lib/format.ts';
import type { Report, SourceEvidence } from './report.ts';

/** '2026-11-21 03:30 UTC': an auditor may sit in another time zone. */
export const timeText = (time: Date): string => `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

export const titleOf = ({ host, since, until }: Report): string =>
  `Backups of ${host}, ${since.toISOString().slice(0, 10)} to ${until.toISOString().slice(0, 10)}`;

export interface Table {
  readonly title: string;
  /** Said when there is nothing to show. */
  readonly empty: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The tables of a report, in their order. */
export const tablesOf = (report: Report): Table[] => [
  jobsTable(report),
  sourcesTable(report),
  drillsTable(report),
  ...(report.points.length > 0 ? [pointsTable(report)] : []),
  failuresTable(report),
];

const jobsTable = ({ jobs }: Report): Table => ({
  title: 'Runs',
  empty: 'Nothing ran.',
  columns: ['Job', 'Does', 'Runs', 'Ended', 'Last run', 'Last success'],
  rows: jobs.map(({ job, verb, runs, byState, last, lastSuccess }) => [
    job ?? '(by hand)',
    verb,
    String(runs),
    Object.entries(byState)
      .map(([state, count]) => `${count} ${state}`)
      .join(', '),
    timeText(last),
    lastSuccess ? timeText(lastSuccess) : 'none',
  ]),
});

const sourcesTable = ({ sources }: Report): Table => ({
  title: 'Sources',
  empty: 'Nothing was backed up.',
  columns: ['Source', 'Kind', 'Repository', 'Good snapshots', 'Newest good', 'Longest gap', 'Size', 'Proven'],
  rows: sources.map((one) => [
    one.source,
    one.kind,
    one.repository,
    `${one.good} of ${one.backups.length}`,
    one.newestGood ? timeText(one.newestGood) : 'none',
    one.longestGapMs === undefined ? '' : formatDuration(one.longestGapMs),
    formatBytes(one.backups.findLast(({ state }) => state === 'ok')?.bytes ?? 0),
    provenText(one),
  ]),
});

const provenText = ({ drills }: SourceEvidence): string => {
  const passed = drills.findLast(({ state }) => state === 'passed');
  if (passed === undefined || !('endedAt' in passed)) return drills.length === 0 ? 'not drilled' : 'no';
  return `${timeText(passed.endedAt)}, restored in ${formatDuration(passed.restoreMs ?? 0)}`;
};

const drillsTable = ({ drills }: Report): Table => ({
  title: 'Drills',
  empty: 'Nothing was restored for a trial.',
  columns: ['Time', 'Source', 'Snapshot', 'Result', 'Restored in', 'Compared', 'Queries', 'Remarks'],
  rows: drills.map((drill) => [
    timeText(drill.startedAt),
    `${drill.source} in ${drill.repository}`,
    `${shortId(drill.snapshot)} of ${timeText(drill.snapshotTime)}`,
    drill.state,
    'restoreMs' in drill && drill.restoreMs !== undefined ? formatDuration(drill.restoreMs) : '',
    comparedText(drill),
    'queries' in drill
      ? `${drill.queries.filter(({ passed }) => passed).length} of ${drill.queries.length}`
      : '',
    remarksOn(drill),
  ]),
});

const pointsTable = ({ points }: Report): Table => ({
  title: 'Restore points',
  empty: 'None was drilled as a whole.',
  columns: ['Time', 'Job', 'Restore point', 'Result', 'Sources', 'Queries across them', 'Remarks'],
  rows: points.map(({ queries, error, ...point }) => [
    timeText(point.startedAt),
    `${point.job} in ${point.repository}`,
    `${point.point} of ${timeText(point.pointTime)}`,
    point.state,
    point.sources.join(', '),
    `${queries.filter(({ passed }) => passed).length} of ${queries.length}`,
    pointRemarks(point.state, [...(error ? [error.message] : []), ...wrongAnswers(queries)]),
  ]),
});

const pointRemarks = (state: DrilledPoint['state'], remarks: readonly string[]): string =>
  state !== 'passed' && remarks.length === 0 ? 'see its sources above' : remarks.join('; ');

const wrongAnswers = (queries: readonly QueryRecord[]): string[] =>
  queries
    .filter(({ passed }) => !passed)
    .map(({ query, expected, found }) => `${query}: ${found}, expected was ${expected}`);

const comparedText = (drill: Drill): string => {
  if (!('endedAt' in drill)) return '';
  const { entries, bytes, tables, rows, definitions } = drill;
  return [
    plural(entries, 'entry', 'entries'),
    formatBytes(bytes),
    ...(tables > 0 ? [plural(tables, 'table'), plural(rows, 'row'), plural(definitions, 'definition')] : []),
  ].join(', ');
};

const remarksOn = (drill: Drill): string => {
  if (!('endedAt' in drill)) return '';
  const more = drill.differences - drill.firstDifferences.length;
  return [
    ...(drill.error ? [drill.error.message] : []),
    ...drill.firstDifferences,
    ...(more > 0 ? [`and ${more} more`] : []),
    ...wrongAnswers(drill.queries),
  ].join('; ');
};

const failuresTable = ({ failures }: Report): Table => ({
  title: 'Failures',
  empty: 'Nothing failed.',
  columns: ['Time', 'Run', 'Job', 'What', 'Why'],
  rows: failures.map(({ at, run, job, subject, error }) => [
    timeText(at),
    run,
    job ?? '',
    subject,
    error.message,
  ]),
});
