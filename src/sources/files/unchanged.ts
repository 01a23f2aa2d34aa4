// restic's rule for a file that need not be read again, and git's for one whose times cannot tell.
import { dateToNanos, longestStepMs } from '#lib/file-times.ts';
import type { EntryMeta, PreviousEntry } from '../source.ts';

interface Options {
  readonly ignoreInode: boolean;
  readonly ignoreCtime: boolean;
}

/** When the last snapshot may have read a file between two changes that left the same times, in nanoseconds. */
export interface DoubtfulTime {
  readonly from: bigint;
  readonly until: bigint;
}

const longestStepNs = BigInt(longestStepMs) * 1_000_000n;

export const doubtfulTime = (lastBegun: Date, now: Date): DoubtfulTime => ({
  from: dateToNanos(lastBegun) - longestStepNs,
  until: dateToNanos(now) + longestStepNs, // a clock of another machine may be ahead
});

/** True when size, times and inode of a file are those of its last snapshot, and its times leave no doubt. */
export const isUnchanged = (
  now: EntryMeta,
  before: PreviousEntry,
  doubtful: DoubtfulTime,
  { ignoreInode, ignoreCtime }: Options,
): boolean =>
  before.type === 'file' &&
  before.meta.size === now.size &&
  before.meta.mtime === now.mtime &&
  !isIn(doubtful, now.mtime) &&
  (ignoreCtime || (before.meta.ctime === now.ctime && !isIn(doubtful, now.ctime))) &&
  (ignoreInode || before.meta.inode === now.inode);

const isIn = ({ from, until }: DoubtfulTime, time: bigint | undefined): boolean =>
  time !== undefined && time >= from && time <= until;
