// Which repository a command works on, and the password that opens it.
import type { Config, RepositoryConfig } from '#config/config.ts';
import { repositoryNamed } from '#config/config.ts';
import { findConfigFile } from '#config/find-file.ts';
import { HoldfastError } from '#lib/errors.ts';
import { Secret, withoutPassword } from '#lib/secret.ts';
import { storeFromUrl } from '#stores/registry.ts';
import type { GlobalOptions, World } from './command.ts';
import { givenPassword, givenRepository, isPlace, type PasswordVariable, passwordOption } from './given.ts';
import type { Output } from './output.ts';
import { warnOfPasswordIn } from './password-warning.ts';
import { readConfig } from './read-config.ts';

/** The part of a command's call that decides on the repository. */
export interface Chooser extends Pick<World, 'env' | 'askSecret'> {
  readonly global: GlobalOptions;
  readonly output: Output;
  readonly passwordVariable?: PasswordVariable;
}

/** The configuration file when there is one; its warnings are shown. `-r /a/folder` needs none, but one that is named is read. */
export const configIfAny = async (chooser: Chooser): Promise<Config | undefined> =>
  findConfigFile(chooser.global.config, chooser.env) === undefined ? undefined : await readConfig(chooser);

/**
 * The repository that -r or HOLDFAST_REPOSITORY names, else the only one of the configuration file. `isNew` asks for the
 * password twice where it has to be typed.
 */
export const chooseRepository = async (
  chooser: Chooser,
  { isNew = false, config: known }: { readonly isNew?: boolean; readonly config?: Config | undefined } = {},
): Promise<RepositoryConfig> => {
  const named = await namedRepository(chooser, known);
  return typeof named === 'string'
    ? await repositoryAt(named, chooser, isNew)
    : withPassword(named, chooser.global);
};

/** Its store alone, which needs no password, and what limits it. */
export const chooseStore = async (
  chooser: Chooser,
): Promise<Pick<RepositoryConfig, 'name' | 'store' | 'limitUpload' | 'limitDownload'>> => {
  const named = await namedRepository(chooser);
  if (typeof named !== 'string') {
    const { name, store, limitUpload, limitDownload } = named;
    return { name, store, limitUpload, limitDownload };
  }
  warnOfPasswordIn(named, chooser.output);
  return { name: withoutPassword(named), store: storeFromUrl(named) };
};

/** A place, or a repository of the configuration file. */
const namedRepository = async (
  chooser: Chooser,
  known?: Config | undefined,
): Promise<string | RepositoryConfig> => {
  const { global, env } = chooser;
  const word = givenRepository(global, env);
  // A place needs no file, but one that is named is looked at.
  const needsConfig = word === undefined || !isPlace(word) || global.config !== undefined;
  const config = known ?? (needsConfig ? await configIfAny(chooser) : undefined);
  if (word !== undefined && (config === undefined || isPlace(word))) return word;
  if (config === undefined)
    throw new HoldfastError('USAGE', 'no repository is named', {
      hint: `name one with -r (a folder or URL) or HOLDFAST_REPOSITORY, or write a holdfast.yaml${notRead(env, ['RESTIC_REPOSITORY', 'BORG_REPO'])}`,
    });
  return word === undefined ? onlyRepository(config) : repositoryNamed(config, word);
};

const onlyRepository = (config: Config): RepositoryConfig => {
  const [only, ...others] = config.repositories.values();
  if (only !== undefined && others.length === 0) return only;
  const names = [...config.repositories.keys()];
  if (only === undefined)
    throw new HoldfastError('USAGE', `${config.file} has no repository`, {
      hint: 'add one under "repositories:", or name a place with -r',
    });
  throw new HoldfastError('USAGE', `${config.file} has ${names.length} repositories: ${names.join(', ')}`, {
    hint: `say which: -r ${names[0]}`,
  });
};

const repositoryAt = async (url: string, chooser: Chooser, isNew: boolean): Promise<RepositoryConfig> => {
  const store = storeFromUrl(url);
  warnOfPasswordIn(url, chooser.output);
  const name = withoutPassword(url);
  return {
    name,
    store,
    password:
      givenPassword(chooser.global, chooser.env, chooser.passwordVariable) ??
      (await askPassword(name, chooser, isNew)),
    compression: 'default',
    verifyWrites: true,
  };
};

const withPassword = (repository: RepositoryConfig, global: GlobalOptions): RepositoryConfig => {
  const password = passwordOption(global);
  return password === undefined ? repository : { ...repository, password };
};

/** What other programs read, and their users have set. */
const notRead = (env: World['env'], names: readonly string[]): string => {
  const found = names.find((name) => env[name]);
  return found === undefined ? '' : `; ${found} is not read`;
};

const askPassword = async (place: string, chooser: Chooser, isNew: boolean): Promise<Secret> => {
  const { askSecret } = chooser;
  if (askSecret === undefined)
    throw new HoldfastError('USAGE', `no password is given for the repository ${place}`, {
      hint: waysToGiveIt(chooser),
    });
  const typed = await askSecret(isNew ? `new password for ${place}: ` : `password for ${place}: `);
  if (isNew && typed !== (await askSecret('the same again: ')))
    throw new HoldfastError('USAGE', 'the two passwords are not the same', {
      hint: 'nothing was made; try again',
    });
  if (typed === '') throw new HoldfastError('USAGE', 'an empty password protects nothing');
  return new Secret(typed);
};

const waysToGiveIt = ({ env, passwordVariable }: Chooser): string => {
  if (passwordVariable !== undefined)
    return `set ${passwordVariable}_FILE, ${passwordVariable}_COMMAND or ${passwordVariable}`;
  return `set HOLDFAST_PASSWORD_FILE, HOLDFAST_PASSWORD_COMMAND or HOLDFAST_PASSWORD, or use --password-file${notRead(env, ['RESTIC_PASSWORD_FILE', 'RESTIC_PASSWORD_COMMAND', 'RESTIC_PASSWORD'])}`;
};
