// What the command line and the environment say of the repository: where it is, and the password that opens it.
import { HoldfastError } from '#lib/errors.ts';
import { Secret } from '#lib/secret.ts';
import { toSecret } from '#lib/secret-input.ts';
import type { GlobalOptions, World } from './command.ts';

/** Of the options that stand before or behind any command. */
export type Given = Pick<GlobalOptions, 'repository' | 'passwordFile' | 'passwordCommand'>;

/** True for a path or URL; a bare word is a name of the configuration file, where there is one. */
export const isPlace = (word: string): boolean => /[/:\\]|^[.~]/.test(word);

/** A place, or a repository's name in the configuration file. */
export const givenRepository = ({ repository }: Given, env: World['env']): string | undefined =>
  repository ?? (env.HOLDFAST_REPOSITORY || undefined);

/** Variables that hold a password, or with `_FILE` or `_COMMAND` say where it is; the second is of what `copy` writes to. */
export type PasswordVariable = 'HOLDFAST_PASSWORD' | 'HOLDFAST_TO_PASSWORD';

/** The password, however it is given, which the configuration file may also do. */
export const givenPassword = (
  given: Given,
  env: World['env'],
  variable: PasswordVariable = 'HOLDFAST_PASSWORD',
): Secret | undefined => {
  const option = passwordOption(given);
  if (option !== undefined) return option;
  const { [variable]: text, [`${variable}_FILE`]: file, [`${variable}_COMMAND`]: command } = env;
  if (text) return new Secret(text);
  if (file) return toSecret({ file });
  return command ? toSecret({ command }) : undefined;
};

/** The password that the command line gives, which goes before all others. */
export const passwordOption = ({ passwordFile, passwordCommand }: Given): Secret | undefined => {
  if (passwordFile !== undefined && passwordCommand !== undefined)
    throw new HoldfastError('USAGE', '--password-file and --password-command contradict each other');
  if (passwordFile !== undefined) return toSecret({ file: passwordFile });
  return passwordCommand === undefined ? undefined : toSecret({ command: passwordCommand });
};
