// Folders with those above them. Node's own `recursive` never ends where the system says ENOENT although the parent is
// there, as below /proc.
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a folder and what is missing above it; returns those it made, the uppermost first. Throws as mkdir does. */
export const makeFolder = (path: string, mode: number): string[] => {
  const parent = dirname(path);
  const above = parent === path || existsSync(parent) ? [] : makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
    return [...above, path];
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return above; // it was there, or somebody was quicker
    throw error;
  }
};

/** Makes a folder for others to read, and what is missing above it, whatever the umask: the daemon's keeps to itself what it writes. */
export const makeOpenFolder = (path: string): void => {
  for (const made of makeFolder(path, 0o755)) chmodSync(made, 0o755);
};
