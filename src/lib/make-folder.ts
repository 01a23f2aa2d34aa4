// Folders with those above them. Node's own `recursive` never ends where the system says ENOENT although the parent is
// there, as below /proc.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

/** Makes a folder and what is missing above it; returns those that were made, the uppermost first. Throws as mkdir does. */
export const makeFolder = (path: string, mode: number): string[] => {
  try {
    mkdirSync(path, { mode });
    return [path];
  } catch (error) {
    const parent = dirname(path);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
    if (systemCode(error) !== 'ENOENT' || parent === path || existsSync(parent)) throw error;
    return [...makeFolder(parent, mode), ...makeFolder(path, mode)];
  }
};
