// Repositories on disk, as the benchmarks need them: fresh, copied, weighed, and what came out of them compared.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, measure } from './measure.ts';
import { borgFolder } from './tools/borg.ts';
import type { Tool } from './tools/tool.ts';

/** Runs what needs no measuring. */
export const perform = async (command: Command): Promise<void> => void (await measure(command));

/** An empty repository of the tool, in the place of the one that was there. */
export const freshRepository = async (tool: Tool, repository: string): Promise<void> => {
  remove(repository);
  await perform(tool.init(repository));
};

/** Remembers the repository as it is now, so that `restoreState` can bring that back. */
export const keepState = (repository: string): void => copy(repository, `${repository}.kept`);

export const restoreState = (repository: string): void => copy(`${repository}.kept`, repository);

/** Links do for a repository's files, which are replaced but never changed; borg's own folder is small. */
const copy = (from: string, to: string): void => {
  remove(to);
  execFileSync('cp', ['--archive', '--link', from, to]);
  if (existsSync(from + borgFolder)) execFileSync('cp', ['--archive', from + borgFolder, to + borgFolder]);
};

const remove = (repository: string): void => {
  for (const path of [repository, repository + borgFolder]) rmSync(path, { recursive: true, force: true });
};

/** An empty folder in the place of what was there. */
export const freshFolder = (folder: string): string => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
};

/** The bytes of all files of a repository. */
export const storedBytes = (repository: string): number =>
  readdirSync(repository, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0);

/** Throws when two files or folders differ in names or contents. */
export const requireSame = (original: string, restored: string): void => {
  execFileSync('diff', ['--recursive', '--brief', '--no-dereference', original, restored]);
};
