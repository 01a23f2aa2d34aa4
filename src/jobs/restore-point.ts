// A restore point: what one run of a backup job stored of each of its sources.
import { HoldfastError } from '#lib/errors.ts';
import { formatTime } from '#lib/format.ts';
import type { Snapshot } from '#repository/contract.ts';
import { isGood, isRepaired, matching, matchingSome, tagOf } from './snapshot-choice.ts';

export interface RestorePoint {
  readonly run: string;
  /** Of the oldest of its snapshots. */
  readonly time: Date;
  /** By their sources. */
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  /** A newer run, where one did not store all of it whole. */
  readonly passedOver?: string;
}

export interface PointRequest {
  readonly job: string;
  /** Those that it must have. */
  readonly sources: readonly string[];
  /** Absent: the newest that stored all of them whole. */
  readonly run?: string | undefined;
  readonly host?: string | undefined;
  readonly hints: PointHints;
}

/** What to do where there is no such point, for whoever asks. */
export interface PointHints {
  /** The repository is empty. */
  readonly empty: string;
  /** Several hosts ran such a job; this one did last. */
  host(newest: string): string;
  /** The run lacks these sources; where it lacks none, it did not store all of them whole. */
  lacking(run: RestorePoint | undefined, lacks: readonly string[]): string;
}

/** SNAPSHOT_UNKNOWN when there is none; USAGE when jobs of that name ran on several hosts. */
export const choosePoint = (snapshots: readonly Snapshot[], request: PointRequest): RestorePoint => {
  const { job, sources, run, host, hints } = request;
  const all = matchingSome(snapshots, { job, host });
  if (all.length === 0)
    throw new HoldfastError('SNAPSHOT_UNKNOWN', 'the repository holds no snapshots', {
      hint: hints.empty,
    });
  const found = matching(all, { run });
  if (found.length === 0 && run !== undefined) throw unknownRun(run, job, all);
  const byHost = Map.groupBy(found, ({ hostname }) => hostname);
  if (byHost.size > 1) throw severalHosts(request, byHost);
  const runs = runsOf(found, sources);
  const isWhole = (point: RestorePoint): boolean =>
    lacking(point, sources).length === 0 &&
    (run !== undefined || [...point.snapshots.values()].every((one) => isGood(one) && !isRepaired(one)));
  const [newest] = runs;
  const chosen = runs.find(isWhole);
  if (chosen)
    return newest === undefined || newest === chosen ? chosen : { ...chosen, passedOver: newest.run };
  throw nothingWhole(request, newest);
};

/** The newest first. */
const runsOf = (snapshots: readonly Snapshot[], sources: readonly string[]): RestorePoint[] =>
  [...Map.groupBy(snapshots, (snapshot) => tagOf(snapshot, 'run') ?? '')]
    .map(([id, own]) => pointOf(id, own, sources))
    .toSorted((a, b) => b.time.getTime() - a.time.getTime());

const severalHosts = (
  { job, hints }: PointRequest,
  byHost: ReadonlyMap<string, readonly Snapshot[]>,
): HoldfastError => {
  const newest = [...byHost]
    .flatMap(([host, own]) =>
      runsOf(own, [])
        .slice(0, 1)
        .map(({ time }) => ({ host, time })),
    )
    .toSorted((a, b) => b.time.getTime() - a.time.getTime());
  const hosts = newest.map(({ host, time }) => `${host} (newest run: ${formatTime(time)})`);
  return new HoldfastError('USAGE', `${job} ran on several hosts: ${hosts.join(', ')}`, {
    hint: hints.host(newest[0]?.host ?? ''),
  });
};

/** Where the catalog is lost, nothing else tells which there are. */
const unknownRun = (run: string, job: string, snapshots: readonly Snapshot[]): HoldfastError => {
  const times = new Map(
    snapshots
      .toSorted((a, b) => b.time.getTime() - a.time.getTime())
      .map((snapshot) => [tagOf(snapshot, 'run') ?? '', snapshot.time]),
  );
  const newest = [...times].slice(0, 5).map(([id, time]) => `${id} (${formatTime(time)})`);
  return new HoldfastError('SNAPSHOT_UNKNOWN', `no snapshot of job "${job}" and of run "${run}"`, {
    hint: `its ${times.size > 5 ? 'newest runs' : 'runs'} are ${newest.join(', ')}`,
  });
};

const pointOf = (run: string, snapshots: readonly Snapshot[], sources: readonly string[]): RestorePoint => ({
  run,
  time: new Date(Math.min(...snapshots.map(({ time }) => time.getTime()))),
  snapshots: new Map(
    sources.flatMap((source) =>
      snapshots.filter((one) => tagOf(one, 'source') === source).map((one) => [source, one] as const),
    ),
  ),
});

const lacking = ({ snapshots }: RestorePoint, sources: readonly string[]): string[] =>
  sources.filter((source) => !snapshots.has(source));

const nothingWhole = (
  { job, sources, run, hints }: PointRequest,
  newest: RestorePoint | undefined,
): HoldfastError => {
  const lacks = newest ? lacking(newest, sources) : sources;
  const hint = hints.lacking(newest, lacks);
  if (run !== undefined)
    return new HoldfastError('SNAPSHOT_UNKNOWN', `run ${run} has no snapshot of ${lacks.join(', ')}`, {
      hint,
    });
  return new HoldfastError('SNAPSHOT_UNKNOWN', `no run of ${job} stored ${sources.join(', ')} whole`, {
    hint,
  });
};

/** What a run did not do, of which `lacking` says what. */
export const shortcoming = (lacks: readonly string[]): string =>
  lacks.length > 0 ? `has no snapshot of ${lacks.join(', ')}` : 'did not store all of it whole';
