// restic's rule for a file that need not be read again, and git's for one whose times cannot tell.
import { type DoubtfulTime, isDoubtful } from '#lib/file-times.ts';
import type { EntryMeta, PreviousEntry } from '../source.ts';

interface Options {
  readonly ignoreInode: boolean;
  readonly ignoreCtime: boolean;
}

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
  !isDoubtful(now.mtime, doubtful) &&
  (ignoreCtime || (before.meta.ctime === now.ctime && !isDoubtful(now.ctime, doubtful))) &&
  (ignoreInode || before.meta.inode === now.inode);
