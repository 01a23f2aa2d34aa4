// How everything stands: the jobs by the catalog, the sources and repositories by what lies in the stores.

import type { Catalog } from '#catalog/catalog.ts';
import type { Delivery, NotifierState, Trouble } from '#catalog/notice.ts';
import type { JobStatus } from '#catalog/run.ts';
import { type Config, type RepositoryConfig, repositoryNamed } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { durationMs } from '#lib/duration.ts';
import { messageOf } from '#lib/errors.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { JobContext } from '../job-context.ts';
import { type ReceiverHealth, receiversOf } from '../receive/lag.ts';
import { partialName } from '../snapshot-choice.ts';
import { withRepository } from '../use-repository.ts';
import { type Expected, expectedRuns } from './missed-runs.ts';
import { growthPerDay, type SourceStanding, snapshotsOf, standingOf } from './snapshots.ts';
import { daysLeft, type Space, shortage, spaceOf } from './space.ts';

/** A job that is in the file, or once ran. */
export interface JobHealth extends Partial<Omit<JobStatus, 'job'>> {
  readonly job: string;
  /** When it should have begun, and did not. */
  readonly missed?: Date;
  readonly well: boolean;
}

/** A source of a backup job in one of its repositories. */
export interface SourceHealth {
  readonly job: string;
  readonly source: string;
  readonly repository: string;
  readonly state: SourceStanding['state'] | 'unknown';
  readonly good?: SourceStanding['good'];
  readonly needed?: Date;
}

export interface RepositoryHealth {
  readonly repository: string;
  /** Why it could not be looked at. */
  readonly error?: string;
  readonly snapshots?: number;
  readonly space?: Space;
  readonly bytesPerDay?: number;
  readonly daysLeft?: number;
  /** Why its room is too little. */
  readonly shortage?: string;
}

/** How the last notice to it fared, and when it last took one. */
export interface NotifierHealth extends Omit<NotifierState, 'last'> {
  readonly last: Pick<Delivery, 'error'>;
}

/** Of what a site is in trouble with when its console cannot be told. */
export const consoleSubject = 'console';

export interface Health {
  readonly at: Date;
  readonly jobs: readonly JobHealth[];
  readonly sources: readonly SourceHealth[];
  readonly repositories: readonly RepositoryHealth[];
  readonly receivers: readonly ReceiverHealth[];
  /** Of jobs, repositories and the console, as far as they are in the file. */
  readonly troubles: readonly Trouble[];
  /** Those of the file. */
  readonly notifiers: readonly NotifierHealth[];
}

export interface HealthOptions {
  /** No good snapshot may be older than this, whatever the jobs say. */
  readonly maxAgeMs?: number | undefined;
  /** Ask no store: of sources and repositories nothing is said then. */
  readonly offline?: boolean;
}

/** So many repositories are looked at at once. */
const atOnce = 4;

/** Looks at everything. A repository that cannot be looked at is told in its place; throws only when cancelled. */
export const healthOf = async (
  config: Config | undefined,
  catalog: Catalog,
  { maxAgeMs, offline = false }: HealthOptions,
  context: JobContext,
): Promise<Health> => {
  const now = context.clock.now();
  const stores = config && !offline ? await lookAtStores(config, now, context) : [];
  const expected = expectedRuns(catalog.path, config?.jobs.values() ?? [], now);
  const known = new Set(config?.notifiers.keys());
  return {
    at: now,
    // With the stores to judge by, the age of what lies there counts, and not that of the runs.
    jobs: jobsOf(config, catalog, { maxAgeMs: config && !offline ? undefined : maxAgeMs, expected, now }),
    sources: config && !offline ? sourcesOf(config, stores, { maxAgeMs, expected, now }) : [],
    repositories: stores.map(({ snapshots, ...repository }) => ({
      ...repository,
      ...(snapshots && { snapshots: snapshots.length }),
    })),
    receivers: receiversOf(config?.jobs.values() ?? [], catalog.received, now),
    troubles: catalog.notices.troubles().filter(concerns(config)),
    notifiers: catalog.notices.notifiers(now).filter(({ notifier }) => known.has(notifier)),
  };
};

/** What is no longer in the file troubles nobody. */
const concerns = (config: Config | undefined) => {
  const names = config && [
    ...[...config.jobs.keys()].map((name) => `job ${name}`),
    ...[...config.repositories.keys()].map((name) => `repository ${name}`),
    ...(config.bulletins ? [consoleSubject] : []),
  ];
  return ({ subject }: Trouble): boolean => names?.includes(subject) ?? true;
};

interface Expectations {
  readonly maxAgeMs: number | undefined;
  readonly expected: ReadonlyMap<string, Expected>;
  readonly now: Date;
}

const jobsOf = (
  config: Config | undefined,
  catalog: Catalog,
  { maxAgeMs, expected, now }: Expectations,
): JobHealth[] => {
  const ran = catalog.status();
  const standings = config
    ? [...config.jobs.keys()].map((job) => ran.find((status) => status.job === job) ?? { job })
    : ran;
  return standings.map((standing): JobHealth => {
    const { last, lastSuccess } = standing as Partial<JobStatus>;
    const missed = expected.get(standing.job)?.missed;
    const isOld =
      maxAgeMs !== undefined && !(lastSuccess && now.getTime() - lastSuccess.startedAt.getTime() <= maxAgeMs);
    const isGood = last?.state === 'succeeded' || (last?.state === 'running' && lastSuccess !== undefined);
    // Not every job has to run as often as the backups.
    const tooOld = isOld && (config === undefined || config.jobs.get(standing.job)?.verb === 'backup');
    return { ...standing, ...(missed && { missed }), well: isGood && !missed && !tooOld };
  });
};

interface Looked extends Omit<RepositoryHealth, 'snapshots'> {
  readonly snapshots?: readonly Snapshot[];
}

const lookAtStores = async (config: Config, now: Date, context: JobContext): Promise<Looked[]> => {
  const names = [...config.repositories.keys()];
  const found = new Map<string, Looked>();
  await forEachLimit(names, atOnce, async (name) => {
    found.set(name, await lookAt(repositoryNamed(config, name), now, context));
  });
  return names.flatMap((name) => found.get(name) ?? []);
};

const lookAt = async (repository: RepositoryConfig, now: Date, context: JobContext): Promise<Looked> => {
  const { name } = repository;
  try {
    const snapshots = await withRepository(repository, { lock: 'none' }, context, (opened) =>
      opened.snapshots(),
    );
    const space = await spaceOf(repository, context);
    const bytesPerDay = growthPerDay(snapshots, now);
    const days = daysLeft(space, bytesPerDay);
    const short = shortage(space, bytesPerDay);
    return {
      repository: name,
      snapshots,
      ...(space && { space }),
      ...(bytesPerDay !== undefined && { bytesPerDay }),
      ...(days !== undefined && { daysLeft: days }),
      ...(short !== undefined && { shortage: short }),
    };
  } catch (error) {
    throwIfCancelled(context.signal);
    return { repository: name, error: messageOf(error) };
  }
};

const sourcesOf = (
  config: Config,
  stores: readonly Looked[],
  { maxAgeMs, expected, now }: Expectations,
): SourceHealth[] =>
  [...config.jobs.values()].flatMap((job) =>
    job.verb !== 'backup'
      ? []
      : job.backup
          .map((source) => (job.partial ? partialName(source) : source))
          .flatMap((source) =>
            job.to.map(({ repository }): SourceHealth => {
              const begin = { job: job.name, source, repository };
              const snapshots = stores.find((store) => store.repository === repository)?.snapshots;
              if (snapshots === undefined) return { ...begin, state: 'unknown' };
              const ageMs = job.maxAge === undefined ? maxAgeMs : durationMs(job.maxAge);
              const needed =
                ageMs === undefined ? expected.get(job.name)?.needed : new Date(now.getTime() - ageMs);
              // One dated in the future says nothing of the present: a clock that went wrong once would hide all that fails since.
              const past = snapshotsOf(snapshots, source, machineName()).filter(({ time }) => time <= now);
              return { ...begin, ...standingOf(past, needed) };
            }),
          ),
  );
