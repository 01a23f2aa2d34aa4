// Folders that nothing is in any more.
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '#lib/errors.ts';
import { folderError } from './folder-error.ts';

/** Removes the folder and those in it, innermost first; what something lies in stays. */
export const removeEmptyFolders = async (folder: string): Promise<void> => {
  try {
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isDirectory()) await removeEmptyFolders(join(folder, entry.name));
    await rmdir(folder);
  } catch (cause) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemCode(cause) ?? ''))
      throw folderError(cause, 'remove', folder, 'its empty folders');
  }
};
