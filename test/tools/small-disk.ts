// A file system that is soon full.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { temporaryFolder } from './temp.ts';

/** Mounted at that path, with options of tmpfs ('size=512k'), for as long as the caller holds it. */
export const smallDisk = (path: string, options: string): Disposable & { readonly path: string } => {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' });
  return {
    path,
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path]); // a server may still have a file open there for a moment
    },
  };
};

/** Why none can be mounted here. */
export const skipWithoutSmallDisk = (): string | false => {
  if (process.getuid?.() !== 0) return 'needs root, to mount a small file system';
  try {
    using _ = smallDisk(temporaryFolder('mount'), 'size=64k');
    return false;
  } catch {
    return 'cannot mount a file system here';
  }
};
