// The evidence of a period, for somebody who was not there: what ran, what was stored, what was proven to restore.

import type { Catalog } from '#catalog/catalog.ts';
import type { Drill } from '#catalog/drill.ts';
import type { DrilledPoint } from '#catalog/drilled-point.ts';
import type { ErrorReport, Run, SourceRecord } from '#catalog/run.ts';
import { machineName } from '#lib/machine-name.ts';
import { version } from '#lib/version.ts';

export interface Period {
  readonly since: Date;
  readonly until: Date;
}

export interface Report extends Period {
  readonly generatedAt: Date;
  readonly host: string;
  readonly version: string;
  readonly jobs: readonly JobEvidence[];
  readonly sources: readonly SourceEvidence[];
  readonly drills: readonly Drill[];
  /** Restore points that were drilled as a whole. */
  readonly points: readonly DrilledPoint[];
  readonly failures: readonly Failure[];
}

export interface JobEvidence {
  /** Absent for runs that the command line described. */
  readonly job?: string;
  readonly verb: string;
  readonly runs: number;
  /** By how they ended: 'succeeded', 'partial', 'failed' and so on. */
  readonly byState: Readonly<Record<string, number>>;
  readonly last: Date;
  readonly lastSuccess?: Date;
}

/** A source in one repository. */
export interface SourceEvidence {
  readonly source: string;
  readonly kind: string;
  readonly repository: string;
  /** Each time it was backed up, the oldest first. */
  readonly backups: readonly Backup[];
  readonly good: number;
  readonly newestGood?: Date;
  /** The longest time between two good snapshots, and to the end of the period. */
  readonly longestGapMs?: number;
  readonly drills: readonly Drill[];
}

export interface Backup {
  readonly at: Date;
  readonly state: SourceRecord['state'];
  readonly bytes: number;
  readonly bytesStored: number;
  readonly durationMs: number;
  readonly snapshot?: string;
}

export interface Failure {
  readonly at: Date;
  readonly run: string;
  readonly job?: string;
  readonly subject: string;
  readonly error: ErrorReport;
}

/** So many runs at most are looked at. */
const mostRuns = 1_000_000;

/** What the catalog remembers of the period. */
export const gatherReport = (catalog: Catalog, period: Period, generatedAt: Date): Report => {
  const runs = catalog
    .runs({ limit: mostRuns })
    .filter(({ startedAt }) => startedAt >= period.since && startedAt < period.until)
    .toReversed();
  const backups: (readonly [run: Run, record: SourceRecord])[] = [];
  const failures: Failure[] = [];
  for (const { id } of runs) {
    const { run, sources, items } = catalog.run(id);
    for (const record of sources) backups.push([run, record]);
    failures.push(...failuresOf(run, sources, items));
  }
  const drills = catalog.drills.list(period);
  return {
    ...period,
    generatedAt,
    host: machineName(),
    version,
    jobs: jobsOf(runs),
    sources: sourcesOf(backups, drills, period.until),
    drills,
    points: catalog.points.list(period),
    failures,
  };
};

const failuresOf = (
  run: Run,
  sources: readonly SourceRecord[],
  items: readonly { readonly source: string; readonly item: string; readonly error?: ErrorReport }[],
): Failure[] => {
  const begin = { at: run.startedAt, run: run.id, ...(run.job !== undefined && { job: run.job }) };
  const parts = [
    ...sources.map(({ source, repository, error }) => ({ subject: `${source} in ${repository}`, error })),
    ...items.map(({ source, item, error }) => ({ subject: `${source}: ${item}`, error })),
  ].flatMap(({ subject, error }): Failure[] => (error ? [{ ...begin, subject, error }] : []));
  if (parts.length > 0) return parts;
  if (run.state === 'interrupted')
    return [
      {
        ...begin,
        subject: run.verb,
        error: { code: 'FAILED', message: 'its process ended before its time' },
      },
    ];
  return 'error' in run && run.error ? [{ ...begin, subject: run.verb, error: run.error }] : [];
};

const jobsOf = (runs: readonly Run[]): JobEvidence[] =>
  [...Map.groupBy(runs, ({ job, verb }) => JSON.stringify([job ?? '', verb])).values()]
    .flatMap((own): JobEvidence[] => {
      const last = own.at(-1);
      if (last === undefined) return [];
      const success = own.findLast(({ state }) => state === 'succeeded');
      const states = Map.groupBy(own, ({ state }) => state);
      return [
        {
          ...(last.job !== undefined && { job: last.job }),
          verb: last.verb,
          runs: own.length,
          byState: Object.fromEntries([...states].map(([state, all]) => [state, all.length])),
          last: last.startedAt,
          ...(success && { lastSuccess: success.startedAt }),
        },
      ];
    })
    .toSorted((a, b) => (a.job ?? '').localeCompare(b.job ?? ''));

const sourcesOf = (
  backups: readonly (readonly [run: Run, record: SourceRecord])[],
  drills: readonly Drill[],
  until: Date,
): SourceEvidence[] => {
  const keyOf = (one: { readonly source: string; readonly repository: string }): string =>
    JSON.stringify([one.source, one.repository]);
  const drillsBy = Map.groupBy(drills, keyOf);
  const groups = Map.groupBy(backups, ([, record]) => keyOf(record));
  const keys = new Set([...groups.keys(), ...drillsBy.keys()]);
  return [...keys].sort().flatMap((key): SourceEvidence[] => {
    const own = groups.get(key) ?? [];
    const drilled = drillsBy.get(key) ?? [];
    const first = own.at(-1)?.[1] ?? drilled[0];
    if (first === undefined) return [];
    const { source, kind, repository } = first;
    const taken = own.map(([run, record]) => backupOf(run, record));
    const good = taken.filter(({ state }) => state === 'ok').map(({ at }) => at);
    const newest = good.at(-1);
    return [
      {
        ...{ source, kind, repository, backups: taken, good: good.length, drills: drilled },
        ...(newest && { newestGood: newest, longestGapMs: longestGap([...good, until]) }),
      },
    ];
  });
};

const backupOf = (
  { startedAt }: Run,
  { state, bytes, bytesStored, durationMs, snapshot }: SourceRecord,
): Backup => ({
  ...{ at: startedAt, state, bytes, bytesStored, durationMs },
  ...(snapshot !== undefined && { snapshot }),
});

const longestGap = (times: readonly Date[]): number =>
  times.reduce((longest, time, at) => {
    const before = times[at - 1];
    return before ? Math.max(longest, time.getTime() - before.getTime()) : longest;
  }, 0);
