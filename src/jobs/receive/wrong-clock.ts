// Times by a clock that was wrong: a snapshot that is dated far ahead would be the newest for years, and what is made after it
// would never be received.
import { formatTime, shortId } from '#lib/format.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { Mark } from '#sources/receiver.ts';
import type { JobContext } from '../job-context.ts';
import type { Have } from './plan.ts';

/** Clocks in other zones that were set as if in this one are not so far ahead. */
const mostAheadMs = 86_400_000;

/** Whether no clock that is well can show that time yet. */
export const isStillToCome = (time: Date, now: Date): boolean => time.getTime() > now.getTime() + mostAheadMs;

/** A time that can be, or else that one. */
export const credible = (time: Date, now: Date, otherwise: Date): Date =>
  isStillToCome(time, now) ? otherwise : time;

/** What a receiver has by its mark. Of a time that cannot be it is known only that it was not later than `seenAt`, when the mark was met. */
export const haveOf = (mark: Mark, now: Date, seenAt: Date): Have => {
  const takenAt = new Date(mark.takenAt);
  return {
    takenAt: credible(takenAt, now, seenAt),
    settledAt: credible(new Date(mark.settledAt), now, new Date(0)), // no changes are known to go on from there
    base: { takenAt: credible(new Date(mark.base.takenAt), now, seenAt) },
  };
};

export const warnOfAhead = (
  source: string,
  snapshots: readonly Snapshot[],
  { onEvent }: Pick<JobContext, 'onEvent'>,
): void => {
  const [first] = snapshots;
  if (first === undefined) return;
  const others = snapshots.length > 1 ? `, and ${snapshots.length - 1} more are dated ahead, too` : '';
  onEvent({
    type: 'warning',
    subject: source,
    text: `snapshot ${shortId(first.id)} is passed over: it is dated ${formatTime(first.time)}, which is still to come${others}`,
    hint: `set the clock that is wrong, of the sending machine or of this one; \`holdfast forget ${shortId(first.id)}\` removes the snapshot`,
  });
};
