// A file system on a disk that stops giving what lies on it, as one with bad sectors does.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { temporaryFolder } from './temp.ts';

const blockBytes = 4096;

export interface FailingDisk extends Disposable {
  readonly path: string;
  /** From that byte of the file on, which is read from the disk the next time, there is nothing but errors (EIO). */
  fail(file: string, fromByte: number): void;
  /** All is there again. */
  heal(): void;
}

/** Mounted at that path for as long as the caller holds it. */
export const failingDisk = (path: string): FailingDisk => {
  const image = `${path}.image`;
  mkdirSync(path, { recursive: true });
  writeFileSync(image, '');
  truncateSync(image, 16 * 1024 * 1024);
  execFileSync('mkfs.ext4', ['-q', '-F', '-b', String(blockBytes), '-O', '^has_journal', image], {
    stdio: 'pipe',
  });
  execFileSync('mount', ['-o', 'loop,noatime', image, path], { stdio: 'pipe' });
  let lost: { readonly at: number; readonly bytes: Uint8Array } | undefined;
  return {
    path,
    fail(file, fromByte) {
      execFileSync('sync', ['-f', path]);
      const question = `bmap /${relative(path, file)} ${Math.floor(fromByte / blockBytes)}`;
      const block = execFileSync('debugfs', ['-R', question, image], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const at = Number(block) * blockBytes;
      lost = { at, bytes: readFileSync(image).subarray(at) };
      truncateSync(image, at);
      execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']); // else memory has it
    },
    heal() {
      if (!lost) return;
      const file = openSync(image, 'r+');
      writeSync(file, lost.bytes, 0, lost.bytes.length, lost.at);
      closeSync(file);
    },
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path]); // a test that fails may have left a file open
      rmSync(image);
    },
  };
};

/** Why none can be had here. */
export const skipWithoutFailingDisk = (): string | false => {
  if (process.getuid?.() !== 0) return 'needs root, to mount a file system';
  try {
    using _ = failingDisk(join(temporaryFolder('failing-disk'), 'disk'));
    return false;
  } catch {
    return 'cannot mount an image of ext4 here';
  }
};
