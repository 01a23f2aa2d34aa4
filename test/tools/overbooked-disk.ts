// A file system on a disk that promises more room than it has: what is written is taken, and lost when it is to be kept.
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallDisk } from './small-disk.ts';

/** Mounted at that path for as long as the caller holds it. */
export const overbookedDisk = (path: string): Disposable => {
  const room = smallDisk(`${path}.room`, 'size=2m');
  const image = join(room.path, 'image');
  writeFileSync(image, '');
  truncateSync(image, 64 * 1024 * 1024);
  execFileSync('mkfs.ext4', ['-q', '-F', '-O', '^has_journal', image], { stdio: 'pipe' });
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-o', 'loop', image, path], { stdio: 'pipe' });
  return {
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path]);
      room[Symbol.dispose]();
    },
  };
};
