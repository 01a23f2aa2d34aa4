// Taking a suspicious run for good.
import type { RepositoryConfig } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { JobContext } from '../job-context.ts';
import { acceptedTag, isSuspicious, suspiciousTag, tagOf } from '../snapshot-choice.ts';
import { withRepository } from '../use-repository.ts';

export interface Accepted {
  readonly repository: string;
  readonly snapshot: Snapshot;
}

/** How long to wait for others to be done with a repository. */
const retryLockMs = 60_000;

/**
 * Gives the suspicious snapshots of a run the tag 'accepted' instead, in each of the repositories. `word` begins the run's id, or is
 * 'latest'. USAGE when several runs begin so.
 */
export const acceptRun = async (
  repositories: readonly RepositoryConfig[],
  word: string,
  context: JobContext,
): Promise<Accepted[]> => {
  const found: {
    readonly repository: RepositoryConfig;
    readonly snapshot: Snapshot;
    readonly run: string;
  }[] = [];
  for (const repository of repositories) {
    throwIfCancelled(context.signal);
    const snapshots = await withRepository(repository, { lock: 'none' }, context, (opened) =>
      opened.snapshots(),
    );
    for (const snapshot of snapshots.filter(isSuspicious))
      found.push({ repository, snapshot, run: tagOf(snapshot, 'run') ?? '' });
  }
  const run = onlyRun(
    found.map((one) => one.run),
    word,
  );
  const accepted: Accepted[] = [];
  for (const [repository, own] of Map.groupBy(
    found.filter((one) => one.run === run),
    (one) => one.repository,
  ))
    await withRepository(repository, { lock: 'exclusive', retryLockMs }, context, async (opened) => {
      for (const { snapshot } of own) {
        const tags = snapshot.tags.filter((tag) => tag !== suspiciousTag);
        const retagged = await opened.retag(snapshot, [...tags, acceptedTag]);
        accepted.push({ repository: repository.name, snapshot: retagged });
      }
    });
  return accepted;
};

/** Ids of runs sort by their time. */
const onlyRun = (runs: readonly string[], word: string): string | undefined => {
  const fitting = [...new Set(runs)].filter((run) => word === 'latest' || run.startsWith(word)).toSorted();
  if (word !== 'latest' && fitting.length > 1 && !fitting.includes(word))
    throw new HoldfastError('USAGE', `several suspicious runs begin with "${word}": ${fitting.join(', ')}`);
  return word === 'latest' || !fitting.includes(word) ? fitting.at(-1) : word;
};
