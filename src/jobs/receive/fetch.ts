// A repository of the receiver's own: what arrives is copied into it first, so that a broken connection costs nothing that has
// come already, and kept there by rules of its own.
import type { RepositoryConfig } from '#config/config.ts';
import type { KeepRules } from '#config/keep.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { copySnapshots } from '../copy.ts';
import { forgotten, retainOf } from '../forget.ts';
import type { JobContext } from '../job-context.ts';
import { matching, partialName } from '../snapshot-choice.ts';
import { withRepository } from '../use-repository.ts';
import { newestOf, type Sender } from './arrived.ts';

export interface Fetching {
  readonly repository: RepositoryConfig;
  /** For complete snapshots, and for partial ones; everything stays without them. */
  readonly keep?: KeepRules | undefined;
  readonly keepPartial?: KeepRules | undefined;
}

/** The newest good complete snapshot of each, and the partial ones since. */
export const fetchInto = async (
  own: Repository,
  theirs: Repository,
  senders: readonly Sender[],
  context: JobContext,
): Promise<void> => {
  const all = await theirs.snapshots();
  for (const sender of senders) {
    const { whole, partial } = newestOf(all, sender, context.clock.now());
    const wanted: Snapshot[] = [
      ...(whole ? [whole] : []),
      ...partial.filter(({ time }) => whole === undefined || time > whole.time),
    ];
    for await (const _ of copySnapshots(theirs, own, wanted, context)); // each is told as it comes
  }
};

/** Applies the rules, and gives back the room. */
export const forgetFetched = async (
  { repository, keep, keepPartial }: Fetching,
  senders: readonly Sender[],
  context: JobContext,
): Promise<void> => {
  const rules = senders.flatMap(({ source, host }) => [
    ...(keep ? [{ filter: { source, host }, rule: keep }] : []),
    ...(keepPartial ? [{ filter: { source: partialName(source), host }, rule: keepPartial }] : []),
  ]);
  if (rules.length === 0) return;
  await withRepository(repository, { lock: 'exclusive' }, context, async (opened) => {
    const all = await opened.snapshots();
    let removed = 0;
    for (const { filter, rule } of rules)
      removed += forgotten(await retainOf(opened, matching(all, filter), rule, false, context)).length;
    if (removed > 0) await opened.prune({ maxUnused: { share: 0.05 } });
  });
};
