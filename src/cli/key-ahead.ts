// The key of a repository in a folder of this machine is derived while all other code is loaded: both take about as long.
import { statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { expandHome } from '#lib/home.ts';
import type { World } from './command.ts';
import { commands } from './commands.ts';
import { type Given, givenPassword, givenRepository, isPlace } from './given.ts';

/** A key file of a disk that answers is there sooner. */
const patienceMs = 20;

/** No key file has more. */
const mostBytes = 64 * 1024;

/**
 * Begins it, where these words after `holdfast` ask for a repository whose password is at hand. What is wrong with either the command
 * will meet, and tell.
 */
export const deriveKeyAhead = async (words: readonly string[], env: World['env']): Promise<void> => {
  if (!needKey(words)) return;
  await Promise.race([begin(givenIn(words), env).catch(() => {}), wait(patienceMs)]);
};

const needKey = (words: readonly string[]): boolean => {
  const [called] = words.flatMap((word) => commands.find(({ name }) => name === word) ?? []);
  return called?.opensRepository === true && !words.includes('--help') && !words.includes('-h');
};

/** A glance at them, before they are read properly. */
const givenIn = (words: readonly string[]): Given => {
  const { values } = parseArgs({
    args: [...words],
    strict: false,
    options: {
      repository: { type: 'string', short: 'r' },
      'password-file': { type: 'string' },
      'password-command': { type: 'string' },
    },
  });
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return {
    repository: text(values.repository),
    passwordFile: text(values['password-file']),
    passwordCommand: text(values['password-command']),
  };
};

const begin = async (given: Given, env: World['env']): Promise<void> => {
  const place = givenRepository(given, env);
  if (place === undefined || !isPlace(place) || hasScheme.test(place)) return;
  const folder = join(expandHome(place), 'keys');
  const [name, ...others] = await readdir(folder);
  if (name === undefined || others.length > 0) return; // which one the password opens is not known
  const path = join(folder, name);
  const found = await stat(path);
  if (!found.isFile() || found.size > mostBytes) return; // a pipe would keep the process waiting
  const keyFile = await readFile(path);
  const password = passwordAtHand(given, env);
  if (password === undefined) return;
  const { deriveAhead } = await import('#repository/sealing/derive-key.ts');
  deriveAhead(password, keyFile);
};

const hasScheme = /^[a-z][a-z0-9+.-]+:/i;

/** One that can be read twice: no command is run for it, no pipe emptied. */
const passwordAtHand = (given: Given, env: World['env']): string | undefined => {
  const password = givenPassword(given, env);
  if (password?.origin.kind === 'command') return undefined;
  if (password?.origin.kind === 'file' && !statSync(password.origin.path).isFile()) return undefined;
  return password?.reveal();
};
