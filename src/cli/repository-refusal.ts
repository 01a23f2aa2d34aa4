// -r and the password options where they mean nothing: refused, not ignored.
import { HoldfastError } from '#lib/errors.ts';
import type { GlobalOptions } from './command.ts';

/** USAGE when one of them is given; `what` is what they are not for. */
export const refuseRepository = (
  global: GlobalOptions,
  what: string,
  hint = 'the configuration file says which repositories there are, and how they are opened',
): void => {
  if (global.repository !== undefined)
    throw new HoldfastError('USAGE', `-r means nothing for ${what}`, { hint });
  refusePasswords(global, what, hint);
};

/** The same for the password options only. */
export const refusePasswords = (global: GlobalOptions, what: string, hint?: string): void => {
  const given = [
    global.passwordFile === undefined ? [] : ['--password-file'],
    global.passwordCommand === undefined ? [] : ['--password-command'],
  ].flat();
  if (given[0] !== undefined)
    throw new HoldfastError('USAGE', `${given[0]} means nothing for ${what}`, { hint });
};

/** USAGE when an option for stores is given to a command that opens none. */
export const refuseStoreOptions = (global: GlobalOptions, command: string): void => {
  const given = [
    global.limitUpload === undefined ? [] : ['--limit-upload'],
    global.limitDownload === undefined ? [] : ['--limit-download'],
    global.retryLockMs === undefined ? [] : ['--retry-lock'],
    global.noCache ? ['--no-cache'] : [],
  ].flat();
  if (given[0] !== undefined)
    throw new HoldfastError(
      'USAGE',
      `${given[0]} means nothing for \`${command}\`, which opens no repository`,
    );
};
