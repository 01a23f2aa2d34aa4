// How each source stands, by what lies in the repositories, and how fast these grow. Pure: snapshots in, judgement out.
import type { Snapshot } from '#repository/contract.ts';
import { isGood, isPartial, tagOf } from '../snapshot-choice.ts';

/** What the newest good snapshot of a source says of it. */
export interface SourceStanding {
  readonly state: 'ok' | 'late' | 'none' | 'partial' | 'suspicious';
  /** The newest good snapshot. */
  readonly good?: { readonly id: string; readonly time: Date; readonly bytes: number };
  /** The good one had to be made after this. */
  readonly needed?: Date;
}

const dayMs = 86_400_000;

/** How a source stands by its own snapshots; `needed` is since when there should be a good one. */
export const standingOf = (own: readonly Snapshot[], needed: Date | undefined): SourceStanding => {
  const good = own.findLast(isGood);
  const newest = own.at(-1);
  if (good === undefined) return { state: 'none', ...(needed && { needed }) };
  const known = {
    good: { id: good.id, time: good.time, bytes: good.summary?.totalBytesProcessed ?? 0 },
    ...(needed && { needed }),
  };
  if (needed && good.time < needed) return { ...known, state: 'late' };
  if (newest === undefined || isGood(newest)) return { ...known, state: 'ok' };
  return { ...known, state: isPartial(newest) ? 'partial' : 'suspicious' };
};

/** The snapshots of a source from this machine, oldest first. */
export const snapshotsOf = (snapshots: readonly Snapshot[], source: string, host: string): Snapshot[] =>
  snapshots.filter((snapshot) => tagOf(snapshot, 'source') === source && snapshot.hostname === host);

/** So far back a forecast looks, and so much it needs to see. */
const windowDays = 30;
const leastDays = 3;

/**
 * Bytes a day that the snapshots which are still there have added lately; undefined when there is too little to say. The first
 * snapshot of a source adds all of it, which is no growth.
 */
export const growthPerDay = (snapshots: readonly Snapshot[], now: Date): number | undefined => {
  const firsts = new Set(
    [...Map.groupBy(snapshots, (one) => JSON.stringify([one.paths, one.hostname])).values()].map(
      ([first]) => first,
    ),
  );
  const oldest = Math.min(...snapshots.map(({ time }) => time.getTime()));
  const days = Math.min(windowDays, (now.getTime() - oldest) / dayMs);
  if (snapshots.length === 0 || days < leastDays) return undefined;
  const since = now.getTime() - days * dayMs;
  const added = snapshots
    .filter((snapshot) => !firsts.has(snapshot) && snapshot.time.getTime() >= since)
    .reduce((sum, { summary }) => sum + (summary?.dataAddedPacked ?? 0), 0);
  return added / days;
};
