// The folder that a restore writes into.
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { makeFolder } from '#lib/make-folder.ts';
import { reasonOf } from './system-error.ts';

export interface TargetFolder {
  /** Absolute and without symlinks. */
  readonly path: string;
  /** False when others have something in it already (`force`). */
  readonly wasEmpty: boolean;
}

/** Makes the folder if it is missing. TARGET_NOT_EMPTY when there is something in it, unless forced. */
export const openTargetFolder = (folder: string, force: boolean): TargetFolder => {
  try {
    const given = resolve(folder);
    makeFolder(given, 0o700);
    const path = realpathSync(given);
    const wasEmpty = readdirSync(path).length === 0;
    if (!wasEmpty && !force)
      throw new HoldfastError('TARGET_NOT_EMPTY', `${given} is not empty`, {
        hint: 'restore into a new folder, or add --force to replace the files of the same names in it',
      });
    return { path, wasEmpty };
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const file = statSync(folder, { throwIfNoEntry: false })?.isFile();
    throw new HoldfastError(
      'TARGET_FAILED',
      file ? `${folder} is a file, not a folder` : `cannot use the folder ${folder}: ${reasonOf(cause)}`,
      { hint: 'name a folder that this user may write, or one that is not there yet', cause },
    );
  }
};
