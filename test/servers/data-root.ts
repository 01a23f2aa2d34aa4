// Where database servers keep the data of a test: in memory where there is room, since a new server is a thousand small files.
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const inMemory = '/dev/shm';
const enoughBytes = 4 * 1024 ** 3;

/** A folder that is there, for the folders of servers. */
export const dataRoot = (): string => {
  try {
    const { type, bavail, bsize } = statfsSync(inMemory);
    return type === tmpfs && bavail * bsize >= enoughBytes ? inMemory : tmpdir();
  } catch {
    return tmpdir();
  }
};

/** TMPFS_MAGIC of statfs(2). */
const tmpfs = 0x01021994;
