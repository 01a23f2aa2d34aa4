// A new password for a repository: from a file, the environment, or the terminal; never from the command line.
import { HoldfastError } from '#lib/errors.ts';
import { toSecret } from '#lib/secret-input.ts';
import { value, type World } from './command.ts';

export const newPasswordOptions = {
  newPasswordFile: value('--new-password-file <file>', 'a file that holds the new password'),
};

export const newPassword = async (
  file: string | undefined,
  { env, askSecret }: Pick<World, 'env' | 'askSecret'>,
): Promise<string> => {
  if (file !== undefined) return toSecret({ file }).reveal();
  if (env.HOLDFAST_NEW_PASSWORD) return env.HOLDFAST_NEW_PASSWORD;
  if (askSecret === undefined)
    throw new HoldfastError('USAGE', 'no new password is given', {
      hint: 'use --new-password-file, or set HOLDFAST_NEW_PASSWORD',
    });
  const typed = await askSecret('new password: ');
  if (typed === '') throw new HoldfastError('USAGE', 'an empty password protects nothing');
  if (typed === (await askSecret('the same again: '))) return typed;
  throw new HoldfastError('USAGE', 'the two passwords are not the same', {
    hint: 'nothing was changed; try again',
  });
};
