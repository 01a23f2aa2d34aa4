// Where holdfast.yaml is looked for.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { expandHome, homeFolder } from '#lib/home.ts';
import type { Environment } from './interpolate.ts';

/** The file that was asked for (`--config`, $HOLDFAST_CONFIG), or the first there is of the usual ones; undefined when there is none. */
export const findConfigFile = (asked: string | undefined, env: Environment): string | undefined => {
  const explicit = asked ?? (env.HOLDFAST_CONFIG || undefined);
  if (explicit !== undefined) return expandHome(explicit);
  const found = usualFiles(env).find((file) => existsSync(file));
  if (found === hereFile) refuseStrangers(found);
  return found;
};

/** The same; CONFIG_INVALID when there is none. */
export const requireConfigFile = (asked: string | undefined, env: Environment): string => {
  const file = findConfigFile(asked, env);
  if (file !== undefined) return file;
  throw new HoldfastError('CONFIG_INVALID', 'there is no configuration file', {
    hint: `write one of ${usualFiles(env).join(', ')}, or name one with --config; without a file, -r names a repository`,
  });
};

/** The places that are tried in turn when no file is named. */
const usualFiles = (env: Environment): string[] => [
  hereFile,
  join(env.XDG_CONFIG_HOME || join(env.HOME || homeFolder(), '.config'), 'holdfast', 'holdfast.yaml'),
  '/etc/holdfast/holdfast.yaml',
];

const hereFile = 'holdfast.yaml';

// A file may name commands to run: one that somebody else left in the current folder is not taken unasked.
const refuseStrangers = (file: string): void => {
  const self = process.getuid?.();
  const owner = statSync(file).uid;
  if (self === undefined || owner === self || owner === 0) return;
  throw new HoldfastError('CONFIG_INVALID', `./${file} belongs to another user (uid ${owner})`, {
    hint: `if you trust it, name it: --config ./${file}`,
  });
};
