// The folder in which drills make files and SQLite databases.
import { accessSync, constants, statSync } from 'node:fs';
import { messageOf } from '#lib/errors.ts';
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
