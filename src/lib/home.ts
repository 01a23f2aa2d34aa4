// Paths as people write them.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `~` and `~/…` as the user's home folder; every other path as it is. */
export const expandHome = (path: string): string =>
  path === '~' ? homedir() : path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
