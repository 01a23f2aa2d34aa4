// Compiled code is kept between runs, which more than halves the time a command takes to begin.
import { statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { homeFolder } from './home.ts';

/**
 * Keeps it in the user's own cache folder. Where somebody else could plant code (Node's default in the temporary folder, or the home of
 * another user, which `sudo` may leave us) nothing is kept, nor without a home folder.
 */
export const keepCompiledCode = (env: Readonly<Record<string, string | undefined>>): void => {
  const home = env.HOME || homeFolder();
  const folder = env.XDG_CACHE_HOME || join(home, '.cache');
  const isOurs = env.XDG_CACHE_HOME ? isCacheOfOurs(folder) : ownerOf(home) === ourselves;
  if (isOurs) nodeModule.enableCompileCache(join(folder, 'holdfast', 'compiled'));
};

/** Windows knows no such number, and homes that others can write to neither. */
const ourselves = process.geteuid?.() ?? 0;

/** Ours, or the system's with a folder for us in it, as /var/cache is. */
const isCacheOfOurs = (folder: string): boolean => {
  const owner = ownerOf(folder);
  return owner === ourselves || (owner === 0 && ownerOf(join(folder, 'holdfast')) === ourselves);
};

const ownerOf = (folder: string): number | undefined => {
  try {
    return statSync(folder).uid;
  } catch {
    return undefined;
  }
};
