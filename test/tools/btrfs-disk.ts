// A file system that can make snapshots of itself.
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { program, skipWithout } from '../servers/programs.ts';
import { temporaryFolder } from './temp.ts';

/** Mounted at that path for as long as the caller holds it. */
export const btrfsDisk = (path: string): Disposable & { readonly path: string } => {
  const image = `${path}.image`;
  writeFileSync(image, '');
  truncateSync(image, 256 * 1024 * 1024);
  execFileSync(program('mkfs.btrfs'), ['--quiet', image], { stdio: 'pipe' });
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-o', 'loop', image, path], { stdio: 'pipe' });
  return {
    path,
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path]);
    },
  };
};

export const btrfs = (...args: readonly string[]): string =>
  execFileSync(program('btrfs'), args, { encoding: 'utf8', stdio: 'pipe' });

/** Why none can be mounted here. */
export const skipWithoutBtrfs = (): string | false => {
  const missing = skipWithout('btrfs');
  if (missing !== undefined) return missing;
  if (process.getuid?.() !== 0) return 'needs root, to mount a file system';
  try {
    using _ = btrfsDisk(`${temporaryFolder('mount')}/disk`);
    return false;
  } catch {
    return 'cannot mount btrfs here';
  }
};
