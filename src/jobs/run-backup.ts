// One run of a backup: every source into every repository, remembered in the catalog.
import type { Catalog } from '#catalog/catalog.ts';
import { newRunId } from '#catalog/run-id.ts';
import type { RepositoryConfig } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError } from '#lib/errors.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { backUp, concernsAll, type JobContext, skipped } from './backup.ts';
import type { SourceOutcome } from './event.ts';
import { beginRecord, type RunRecord } from './record.ts';
import { type Ended, failed, ok, partial, together } from './run-outcome.ts';
import { withRepository } from './use-repository.ts';

export interface BackupTask {
  /** Absent for a backup that the command line describes. */
  readonly job?: string;
  readonly sources: readonly SourceConfig[];
  readonly repositories: readonly RepositoryConfig[];
  readonly tags: readonly string[];
  /** Read everything, store nothing, remember nothing. */
  readonly dryRun: boolean;
}

export interface RunContext extends JobContext {
  /** Absent where it cannot be opened: a backup is worth more than the memory of it. */
  readonly catalog: Catalog | undefined;
}

export interface BackupRun extends Ended {
  readonly id: string;
  readonly outcomes: readonly SourceOutcome[];
}

/** Backs up and says how it went; one repository or source that fails does not stop the others. Throws only when cancelled. */
export const runBackup = async (task: BackupTask, context: RunContext): Promise<BackupRun> => {
  const { job } = task;
  const startedAt = context.clock.now();
  const run = { ...(job !== undefined && { job }), verb: 'backup', startedAt };
  const record = task.dryRun ? undefined : beginRecord(context.catalog, run, context);
  const id = record?.id ?? newRunId(startedAt);
  const onEvent: JobContext['onEvent'] = (event) => {
    context.onEvent(event);
    record?.event(event);
  };
  try {
    const parts: Part[] = [];
    for (const repository of task.repositories)
      parts.push(await backUpInto(repository, task, id, { ...context, onEvent }, record));
    const ended = together(parts);
    const outcomes = parts.flatMap((part) => part.outcomes);
    record?.end(ended, outcomes);
    return { ...ended, id, outcomes };
  } catch (error) {
    record?.thrown(error);
    throw error;
  }
};

interface Part extends Ended {
  readonly outcomes: readonly SourceOutcome[];
}

const backUpInto = async (
  repository: RepositoryConfig,
  { job, sources, tags, dryRun }: BackupTask,
  runId: string,
  context: JobContext,
  record: RunRecord | undefined,
): Promise<Part> => {
  const outcomes: SourceOutcome[] = [];
  const keep = (outcome: SourceOutcome): void => {
    outcomes.push(outcome);
    record?.source(outcome);
  };
  const request = {
    sources,
    runId,
    tags,
    dryRun,
    repositoryName: repository.name,
    ...(job !== undefined && { job }),
  };
  try {
    await withRepository(repository, { lock: 'shared' }, context, async (opened) => {
      for await (const outcome of backUp({ ...request, repository: opened }, context)) keep(outcome);
    });
    return { ...endOf(outcomes), outcomes };
  } catch (thrown) {
    throwIfCancelled(context.signal);
    const error = asError(thrown);
    context.onEvent({ type: 'repository-failed', repository: repository.name, error });
    for (const source of sources.slice(outcomes.length)) keep(skipped(request, source, error));
    return { ...failed(error), outcomes };
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
