// What an object is called while it is being written, where objects are files. The form is restic's (Go's os.CreateTemp), which every restic skips.
import { randomInt } from 'node:crypto';
import { HoldfastError } from '#lib/errors.ts';
import type { StoredObject } from './store.ts';

/** A name beside the object's own; below 255 bytes however long that is. */
export const temporaryName = (path: string): string => {
  const base = /[^/\\]*$/.exec(path)?.[0] ?? '';
  return `${path.slice(0, path.length - base.length)}${base.slice(0, 64)}-tmp-${randomInt(2 ** 47)}`;
};

/** True for a name that an unfinished write left behind; it is not an object. */
export const isTemporaryName = (name: string): boolean => /-tmp-\d+$/.test(name);

/** The token of an object that was written in pieces, as the name that it had until then. PATH_UNSAFE for what cannot be one. */
export const unfinishedName = (token: string): string => {
  if (isTemporaryName(token) && !/[/\\]/.test(token)) return token;
  throw new HoldfastError('PATH_UNSAFE', `${JSON.stringify(token)} is not the name of an unfinished file`);
};

/** Without those that are not whole yet. */
export async function* wholeFiles(files: AsyncIterable<StoredObject>): AsyncGenerator<StoredObject> {
  for await (const file of files) if (!isTemporaryName(file.key)) yield file;
}

/** Removes those that are not whole, and returns their bytes. */
export const removeUnfinished = async (
  files: AsyncIterable<StoredObject>,
  remove: (key: string) => Promise<void>,
): Promise<number> => {
  let bytes = 0;
  for await (const { key, size } of files) {
    if (!isTemporaryName(key)) continue;
    await remove(key);
    bytes += size;
  }
  return bytes;
};
