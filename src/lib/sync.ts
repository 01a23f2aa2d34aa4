// Files and names that outlive a power cut: what was written is on the disk when these return.
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemCode } from './errors.ts';

export const syncFile = (file: FileHandle): Promise<void> => file.sync().catch(ignoreUnsupported);

/** The same for a descriptor, and for threads that may block. */
export const syncFileSync = (file: number): void => {
  try {
    fsyncSync(file);
  } catch (error) {
    ignoreUnsupported(error);
  }
};

/** The names in a folder. Windows lets nobody sync one: NTFS keeps a journal of names. */
export const syncFolder = async (path: string): Promise<void> => {
  if (isWindows) return;
  await using folder = await open(path, 'r');
  await syncFile(folder);
};

export const syncFolderSync = (path: string): void => {
  if (isWindows) return;
  const folder = openSync(path, 'r');
  try {
    syncFileSync(folder);
  } finally {
    closeSync(folder);
  }
};

const isWindows = process.platform === 'win32';

/** Some network and FUSE file systems have no fsync for a file or a folder; there is nothing more to ask of them. */
const ignoreUnsupported = (error: unknown): void => {
  if (!['ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOSYS'].includes(systemCode(error) ?? '')) throw error;
};
