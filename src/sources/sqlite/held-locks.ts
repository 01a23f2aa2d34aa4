// POSIX locks belong to a process, and closing any descriptor of a file gives up all that the process holds on it
// (https://www.sqlite.org/howtocorrupt.html, 2.2). Reading the database's files by other means in this process, as a backup
// of the folder they lie in does, would so let writers change what a dump still reads. Linux shows who holds what.
import { readFileSync, statSync } from 'node:fs';

/** Asked once the locks are taken; later says whether all that could be seen then are still held. True where none can be seen. */
export const watchLocks = (file: string): (() => boolean) => {
  const inodes = [file, `${file}-shm`].flatMap((path) => {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat ? [String(stat.ino)] : [];
  });
  const before = locked();
  const seen = inodes.filter((inode) => before.has(inode));
  return () => {
    if (seen.length === 0) return true;
    const now = locked();
    return seen.every((inode) => now.has(inode));
  };
};

/** Inodes on which this process holds a lock. */
const locked = (): Set<string> => {
  const inodes = new Set<string>();
  try {
    for (const [, pid, inode] of readFileSync('/proc/locks', 'utf8').matchAll(posixLock))
      if (Number(pid) === process.pid && inode !== undefined) inodes.add(inode);
  } catch {
    // not Linux, or not to be seen here
  }
  return inodes;
};

/** `1: POSIX  ADVISORY  READ 4711 fd:01:131073 124 124`, see proc_locks(5). */
const posixLock = /^\d+: POSIX +\S+ +\S+ +(\d+) \S+:(\d+) /gm;
