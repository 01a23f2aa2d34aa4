// The key of a repository in a folder of this machine is derived while the command's own code is loaded: both take about as long.
import { statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expandHome } from '#lib/home.ts';
import type { GlobalOptions, World } from './command.ts';
import { givenPassword, givenRepository, isPlace } from './given.ts';

/** A key file of a disk that answers is there sooner. */
const patienceMs = 20;

/** No key file has more. */
const mostBytes = 64 * 1024;

/** Begins it, where repository and password are at hand. What is wrong with either the command will meet, and tell. */
export const deriveKeyAhead = async (global: GlobalOptions, env: World['env']): Promise<void> => {
  await Promise.race([begin(global, env).catch(() => {}), wait(patienceMs)]);
};

const begin = async (global: GlobalOptions, env: World['env']): Promise<void> => {
  const place = givenRepository(global, env);
  if (place === undefined || !isPlace(place) || hasScheme.test(place)) return;
  const folder = join(expandHome(place), 'keys');
  const [name, ...others] = await readdir(folder);
  if (name === undefined || others.length > 0) return; // which one the password opens is not known
  const path = join(folder, name);
  const found = await stat(path);
  if (!found.isFile() || found.size > mostBytes) return; // a pipe would keep the process waiting
  const keyFile = await readFile(path);
  const password = passwordAtHand(global, env);
  if (password === undefined) return;
  const { deriveAhead } = await import('#repository/sealing/derive-key.ts');
  deriveAhead(password, keyFile);
};

const hasScheme = /^[a-z][a-z0-9+.-]+:/i;

/** One that can be read twice: no command is run for it, no pipe emptied. */
const passwordAtHand = (global: GlobalOptions, env: World['env']): string | undefined => {
  const given = givenPassword(global, env);
  if (given?.origin.kind === 'command') return undefined;
  if (given?.origin.kind === 'file' && !statSync(given.origin.path).isFile()) return undefined;
  return given?.reveal();
};
