// Files that a command was asked to write.
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ErrorCode, HoldfastError, messageOf, systemCode } from '#lib/errors.ts';

/** Whoever serves or collects it may read at any moment: the file is never half written. Others may read it; it holds no secrets. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await chmod(temporary, 0o644); // whatever the umask, which is 0077 in a hook of the daemon
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw notWritten('FAILED', path, cause);
  }
};

/** For its owner only, and never over something that is there. */
export const writeForOwner = async (file: string, content: string): Promise<void> => {
  try {
    await writeFile(file, content, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw notWritten('TARGET_FAILED', file, cause);
    throw new HoldfastError('TARGET_NOT_EMPTY', `${file} is there already`, {
      cause,
      hint: 'name another file, or remove that one',
    });
  }
};

const notWritten = (code: ErrorCode, file: string, cause: unknown): HoldfastError => {
  const folder = dirname(file);
  const why = existsSync(folder) ? messageOf(cause) : `there is no folder ${folder}`;
  return new HoldfastError(code, `cannot write ${file}: ${why}`, {
    cause,
    hint: 'its folder must be there, and writable for the user that runs holdfast',
  });
};
