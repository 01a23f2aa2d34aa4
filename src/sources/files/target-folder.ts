// The folder that a restore writes into.
import { accessSync, constants, readdirSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { makeFolder } from '#lib/make-folder.ts';
import { diskHint, reasonOf } from './system-error.ts';

export interface TargetFolder {
  /** Absolute and without symlinks. */
  readonly path: string;
  /** False when others have something in it already (`force`). */
  readonly wasEmpty: boolean;
}

/** Makes the folder if it is missing. TARGET_NOT_EMPTY when there is something in it, unless forced; TARGET_FAILED when nothing can be written there. */
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
    if (wasEmpty) accessSync(path, constants.W_OK | constants.X_OK); // else each file would fail by itself
    return { path, wasEmpty };
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('TARGET_FAILED', `cannot use the folder ${folder}: ${reason(folder, cause)}`, {
      hint: hintFor(cause),
      cause,
    });
  }
};

const reason = (folder: string, cause: unknown): string => {
  if (systemCode(cause) !== 'EEXIST') return reasonOf(cause);
  const leadsSomewhere = statSync(folder, { throwIfNoEntry: false }) !== undefined;
  return leadsSomewhere ? 'it is no folder' : 'it is a link that leads nowhere';
};

const hintFor = (cause: unknown): string => {
  switch (systemCode(cause)) {
    case 'EROFS':
      return 'mount the file system so that it can be written to, or name a folder on another one';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'make room there, or name a folder on another file system';
    default:
      return diskHint(cause) ?? 'name a folder that this user may write, or one that is not there yet';
  }
};
