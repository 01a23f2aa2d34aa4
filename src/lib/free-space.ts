// How much room a file system has, for those that may fill it.
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

export interface FreeSpace {
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Of the file system that holds the path, or would hold it. Throws as statfs does when nothing above it can be looked at. */
export const freeSpace = (path: string): FreeSpace => {
  try {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    const parent = dirname(path);
    if (systemCode(error) !== 'ENOENT' || parent === path) throw error;
    return freeSpace(parent);
  }
};
