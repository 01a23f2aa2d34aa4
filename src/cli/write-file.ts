// Files that a command was asked to write.
import { randomUUID } from 'node:crypto';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';

/** Whoever serves or collects it may read at any moment: the file is never half written. Others may read it; it holds no secrets. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await chmod(temporary, 0o644); // whatever the umask, which is 0077 in a hook of the daemon
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new HoldfastError('FAILED', `cannot write ${path}: ${messageOf(cause)}`, {
      cause,
      hint: 'its folder must be there, and writable for the user that runs holdfast',
    });
  }
};

/** For its owner only, and never over something that is there. */
export const writeForOwner = async (file: string, content: string): Promise<void> => {
  try {
    await writeFile(file, content, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const there = systemCode(cause) === 'EEXIST';
    throw new HoldfastError(
      there ? 'TARGET_NOT_EMPTY' : 'TARGET_FAILED',
      there ? `${file} is there already` : `cannot write ${file}: ${messageOf(cause)}`,
      { cause, hint: there ? 'name another file, or remove that one' : undefined },
    );
  }
};
