// One run of a check job: each repository, remembered in the catalog.
import type { RepositoryConfig } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import type { CheckReport, LockMode } from '#repository/contract.ts';
import { checkRepository } from './check.ts';
import type { JobContext } from './job-context.ts';
import { recorded } from './recorded.ts';
import type { RunContext } from './run-backup.ts';
import { type Ended, failed, ok, together } from './run-outcome.ts';
import { withRepository } from './use-repository.ts';

export interface CheckTask {
  readonly job?: string;
  readonly repositories: readonly RepositoryConfig[];
  /** 0 structure only, 1 every byte. */
  readonly readData: number;
  /** Takes no lock, for a repository that cannot be written to. */
  readonly noLock?: boolean;
}

/** How the check of one repository ended: with a report, or because it could not be made. */
export type CheckOutcome = { readonly repository: string } & (
  | { readonly report: CheckReport }
  | { readonly error: Error }
);

export interface CheckRun extends Ended {
  readonly id: string;
  readonly outcomes: readonly CheckOutcome[];
}

/** Checks every repository; one that is damaged or cannot be checked does not stop the others. Throws only when cancelled. */
export const runCheck = (
  { job, repositories, readData, noLock = false }: CheckTask,
  context: RunContext,
): Promise<CheckRun> =>
  recorded({ verb: 'check', job }, context, async ({ id, record, watched }) => {
    const outcomes: CheckOutcome[] = [];
    const lock = noLock ? 'none' : 'exclusive';
    for (const repository of repositories)
      outcomes.push(await outcomeOf(repository, readData, lock, watched));
    const errors = outcomes.map(errorOf);
    const ended = together(errors.map((error) => (error ? failed(error) : ok)));
    record?.end(
      ended,
      [],
      errors.find((error) => error !== undefined),
    );
    return { ...ended, id, outcomes };
  });

const outcomeOf = async (
  repository: RepositoryConfig,
  readData: number,
  lock: LockMode,
  context: JobContext,
): Promise<CheckOutcome> => {
  const { name } = repository;
  try {
    const report = await withRepository(
      repository,
      { lock, uncached: true, isOptional: true },
      context,
      (opened) => checkRepository(opened, name, readData, context),
    );
    return { repository: name, report };
  } catch (error) {
    throwIfCancelled(context.signal);
    return { repository: name, error: asError(error) };
  }
};

const errorOf = (outcome: CheckOutcome): Error | undefined => {
  if ('error' in outcome) return outcome.error;
  const [first, ...others] = outcome.report.problems;
  if (first === undefined) return undefined;
  const more = others.length > 0 ? `; and ${others.length} more` : '';
  return new HoldfastError('REPOSITORY_DAMAGED', `${outcome.repository}: ${first}${more}`);
};
