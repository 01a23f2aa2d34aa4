// Removing snapshots: those that a job's rules do not keep, and those that somebody names.

import type { RepositoryConfig } from '#config/config.ts';
import type { KeepRules } from '#config/keep.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { JobContext } from './job-context.ts';
import { applyRetention, isPinned, lastGoodOnes, type Verdict } from './retention.ts';
import { isGood, matching, originOf, tagOf } from './snapshot-choice.ts';
import { withRepository } from './use-repository.ts';

export interface JobRetention {
  readonly job: string;
  readonly rules: KeepRules;
  /** Only snapshots of these sources; absent: of all that the job ever backed up. */
  readonly sources?: readonly string[];
  /** Absent: this host. */
  readonly host?: string | undefined;
}

/** How long to wait for others to be done with the repository: a backup is over, and this can wait. */
const retryLockMs = 5 * 60_000;

/** Applies a job's rules to the snapshots that the job made, and removes what they do not keep, unless it is a dry run. */
export const retain = async (
  repository: RepositoryConfig,
  { job, rules, sources, host = machineName() }: JobRetention,
  dryRun: boolean,
  context: JobContext,
): Promise<Verdict[]> =>
  withRepository(
    repository,
    { lock: dryRun ? 'shared' : 'exclusive', retryLockMs },
    context,
    async (opened) => {
      const own = matching(await opened.snapshots(), { job, host }).filter(
        (snapshot) => sources === undefined || sources.includes(tagOf(snapshot, 'source') ?? ''),
      );
      return await retainOf(opened, own, rules, dryRun, context);
    },
  );

/** Applies rules to snapshots of the repository. */
export const retainOf = async (
  repository: Repository,
  snapshots: readonly Snapshot[],
  rules: KeepRules,
  dryRun: boolean,
  context: JobContext,
): Promise<Verdict[]> => {
  const verdicts = applyRetention(snapshots, rules, context.clock.now());
  if (!dryRun) await removeSnapshots(repository, forgotten(verdicts), context);
  return verdicts;
};

/** USAGE when one of them is pinned, or is the last complete one of its source. */
export const refuseLastGood = (chosen: readonly Snapshot[], all: readonly Snapshot[], now: Date): void => {
  const last = new Set(lastGoodOnes(all, now).map(({ id }) => id));
  for (const snapshot of chosen) {
    const name = `snapshot ${shortId(snapshot.id)} of ${originOf(snapshot)}`;
    if (isPinned(snapshot))
      throw new HoldfastError('USAGE', `${name} is pinned`, {
        hint: '`holdfast unpin` it first, or give --force',
      });
    if (last.has(snapshot.id) && isGood(snapshot))
      throw new HoldfastError('USAGE', `${name} is the last complete one of this source`, {
        hint: 'give --force to remove it all the same',
      });
  }
};

export const forgotten = (verdicts: readonly Verdict[]): Snapshot[] =>
  verdicts.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot);

export const removeSnapshots = (
  repository: Repository,
  snapshots: readonly Snapshot[],
  { signal }: Pick<JobContext, 'signal'>,
): Promise<void> =>
  forEachLimit(snapshots, 4, async (snapshot) => {
    throwIfCancelled(signal);
    await repository.forget(snapshot);
  });
