// Where the user is at home, and who he is. A container may run under a number that no file of users knows: that is no error.
import { homedir, userInfo } from 'node:os';
import { join, sep } from 'node:path';

/** The user's home folder; `/` for one who has none. */
export const homeFolder = (): string => {
  try {
    return homedir();
  } catch {
    return '/';
  }
};

/** The user's name; the number of one who has none. */
export const userName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return `${process.getuid?.() ?? ''}`;
  }
};

/** A path as people write it: `~` and `~/…` are the user's home folder, on Windows `~\…`, too. */
export const expandHome = (path: string): string =>
  path === '~'
    ? homeFolder()
    : ['~/', `~${sep}`].some((start) => path.startsWith(start))
      ? join(homeFolder(), path.slice(2))
      : path;
