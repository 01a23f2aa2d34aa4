// restic's rule for a file that need not be read again.
import type { EntryMeta, PreviousEntry } from '../source.ts';

interface Options {
  readonly ignoreInode: boolean;
  readonly ignoreCtime: boolean;
}

/** True when size, times and inode of a file are those of its last snapshot. */
export const isUnchanged = (
  now: EntryMeta,
  before: PreviousEntry | undefined,
  { ignoreInode, ignoreCtime }: Options,
): boolean =>
  before?.type === 'file' &&
  before.meta.size === now.size &&
  before.meta.mtime === now.mtime &&
  (ignoreCtime || before.meta.ctime === now.ctime) &&
  (ignoreInode || before.meta.inode === now.inode);
