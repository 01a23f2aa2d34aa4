// The folder in which drills make files and SQLite databases.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Finding } from './source.ts';

/** Whether something can be made there. */
export const checkScratchFolder = (folder: string): Finding[] => {
  const finding = (message: string): Finding[] => [
    {
      level: 'error',
      subject: folder,
      message,
      hint: 'make the folder, and give the user that runs holdfast the right to write in it; or name another with `scratch`',
    },
  ];
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return statSync(folder).isDirectory() ? [] : finding('is no folder');
  } catch (error) {
    return finding(`nothing can be restored there for a trial: ${messageOf(error)}`);
  }
};

/** The place of that name in the folder, which is not made: it may be a disk that is not mounted, and would stay. */
export const newPlaceIn = (folder: string, name: string): string => {
  const [problem] = checkScratchFolder(folder);
  if (problem)
    throw new HoldfastError('TARGET_FAILED', `${folder}: ${problem.message}`, { hint: problem.hint });
  const place = join(folder, name);
  if (existsSync(place)) throw new HoldfastError('TARGET_NOT_EMPTY', `there is a ${place} already`);
  return place;
};
