// One run of a backup: every source into every repository, remembered in the catalog.
import type { Catalog } from '#catalog/catalog.ts';
import type { RepositoryConfig } from '#config/config.ts';
import type { KeepRules } from '#config/keep.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError } from '#lib/errors.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { backUp, concernsAll, skipped } from './backup.ts';
import type { BackupTarget } from './begin-source.ts';
import type { SourceOutcome } from './event.ts';
import { retain } from './forget.ts';
import type { AnomalyRules } from './health/anomalies.ts';
import type { JobContext } from './job-context.ts';
import type { RunRecord } from './record.ts';
import { recorded } from './recorded.ts';
import { type Ended, failed, ok, partial, together } from './run-outcome.ts';
import { type UseOptions, withRepository } from './use-repository.ts';

/** A repository, and what a job keeps of its own snapshots in it; without rules, everything. */
export interface Destination {
  readonly repository: RepositoryConfig;
  readonly keep?: KeepRules | undefined;
}

export interface BackupTask {
  /** Absent for a backup that the command line describes. */
  readonly job?: string;
  readonly sources: readonly SourceConfig[];
  readonly repositories: readonly Destination[];
  readonly tags: readonly string[];
  /** Read everything, store nothing, remember nothing. */
  readonly dryRun: boolean;
  /** See BackupRequest. */
  readonly together?: boolean | undefined;
  readonly anomalies?: AnomalyRules | 'off' | undefined;
}

export interface RunContext extends JobContext {
  /** When the states of all databases of a run that is together stand, and none of them is read. */
  readonly onHeld?: (() => Promise<void>) | undefined;
  /** Absent where it cannot be opened: a backup is worth more than the memory of it. */
  readonly catalog: Catalog | undefined;
  /** The record of this run, where the caller began it and will close it. */
  readonly begun?: RunRecord | undefined;
}

export interface BackupRun extends Ended {
  readonly id: string;
  readonly outcomes: readonly SourceOutcome[];
}

/** Backs up and says how it went; one repository or source that fails does not stop the others. Throws only when cancelled. */
export const runBackup = (task: BackupTask, context: RunContext): Promise<BackupRun> => {
  const { job, dryRun } = task;
  return recorded({ verb: 'backup', job, dryRun }, context, async ({ id, record, watched }) => {
    const parts = await backUpInto(task, id, watched, record);
    const ended = together(parts);
    const outcomes = parts.flatMap((part) => part.outcomes);
    record?.end(ended, outcomes);
    return { ...ended, id, outcomes };
  });
};

interface Part extends Ended {
  readonly outcomes: readonly SourceOutcome[];
}

const backUpInto = async (
  task: BackupTask,
  runId: string,
  context: JobContext & Pick<RunContext, 'onHeld'>,
  record: RunRecord | undefined,
): Promise<Part[]> => {
  const { job, sources, tags, dryRun, repositories, anomalies, together } = task;
  const outcomes: SourceOutcome[] = [];
  const keep = (outcome: SourceOutcome): void => {
    outcomes.push(outcome);
    record?.source(outcome);
  };
  const { onHeld } = context;
  const request = {
    ...{ sources, runId, tags, dryRun, anomalies, together, onHeld },
    ...(job !== undefined && { job }),
  };
  const configs = repositories.map(({ repository }) => repository);
  const load = () => Promise.all(sources.map((source) => source.load?.()));
  const options = { lock: 'shared', meanwhile: load, readsIndex: true } as const;
  const failures = await withRepositories(configs, options, context, async (targets) => {
    for await (const outcome of backUp({ ...request, targets }, context)) keep(outcome);
  });
  const parts: Part[] = [];
  for (const destination of repositories) {
    const { name } = destination.repository;
    const error = failures.get(name);
    const own = outcomes.filter(({ repository }) => repository === name);
    if (error) for (const source of sources.slice(own.length)) keep(skipped(name, source, error));
    const ended = error ? failed(error) : endOf(own);
    const kept = await applyKeep(task, destination, own, context);
    parts.push({
      ...(kept || ended.state !== 'ok' ? ended : partial),
      outcomes: outcomes.filter(({ repository }) => repository === name),
    });
  }
  return parts;
};

/** Opens them all, and does the work with those that open; what goes wrong with the others is told, and returned by their names. */
const withRepositories = async (
  configs: readonly RepositoryConfig[],
  options: UseOptions,
  context: JobContext,
  work: (targets: readonly BackupTarget[]) => Promise<void>,
): Promise<ReadonlyMap<string, Error>> => {
  const failures = new Map<string, Error>();
  const openFrom = async (next: number, opened: readonly BackupTarget[]): Promise<void> => {
    const config = configs[next];
    if (config === undefined) {
      if (opened.length > 0) await work(opened);
      return;
    }
    let begun = false;
    try {
      await withRepository(config, options, context, async (repository) => {
        begun = true;
        await openFrom(next + 1, [...opened, { name: config.name, repository }]);
      });
    } catch (thrown) {
      throwIfCancelled(context.signal);
      const error = asError(thrown);
      failures.set(config.name, error);
      context.onEvent({ type: 'repository-failed', repository: config.name, error });
      if (!begun) await openFrom(next + 1, opened);
    }
  };
  await openFrom(0, []);
  return failures;
};

/** Forgets what the job's rules do not keep of the sources that were stored whole. False, and told, when that fails. */
const applyKeep = async (
  { job, dryRun }: BackupTask,
  { repository, keep: rules }: Destination,
  outcomes: readonly SourceOutcome[],
  context: JobContext,
): Promise<boolean> => {
  const sources = outcomes.filter(({ state }) => state === 'ok').map(({ source }) => source);
  if (rules === undefined || job === undefined || sources.length === 0) return true;
  try {
    const verdicts = await retain(repository, { job, rules, sources }, dryRun, context);
    context.onEvent({ type: 'retained', repository: repository.name, job, dryRun, verdicts });
    return true;
  } catch (thrown) {
    throwIfCancelled(context.signal);
    context.onEvent({ type: 'retention-failed', repository: repository.name, error: asError(thrown) });
    return false;
  }
};

/** A repository that failed underneath fails the whole, though some snapshots may be in it; sources that failed do so only together. */
const endOf = (outcomes: readonly SourceOutcome[]): Ended => {
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []));
  const fatal = errors.find(concernsAll);
  if (fatal) return failed(fatal);
  if (errors.length > 0) return errors.length === outcomes.length ? failed(errors[0]) : partial;
  return outcomes.every(({ state }) => state === 'ok') ? ok : partial;
};
