// Objects as files in a folder, laid out and protected as restic's local backend does it.
import { unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import { checkFileKey, Guard } from '../guard.ts';
import type { Folders, LargeObjects, LocalFolder, NameSync, Store, StoreKind } from '../store.ts';
import { removeUnfinished, wholeFiles } from '../temporary-name.ts';
import { removeEmptyFolders } from './empty-folders.ts';
import { folderError } from './folder-error.ts';
import { abandonLarge, beginLarge, wasCommitted } from './large-object.ts';
import { listFiles } from './list-files.ts';
import { readObject } from './read-object.ts';
import { syncNames, writeObject } from './write-object.ts';

const config = z.strictObject({
  path: z
    .string()
    .min(1)
    .transform(expandHome)
    .describe('The folder; it is made when something is first stored in it. ~ is the home folder.'),
});
export type LocalConfig = z.infer<typeof config>;

/** `kind: local`: a folder on a local or mounted file system. */
export const local: StoreKind<LocalConfig> = {
  name: 'local',
  config,
  schemes: ['file'],
  fromUrl: (url) => ({ path: expandHome(folderOf(url)) }),
  locationOf: ({ path }) => resolve(path),
  open: async ({ path }) => openLocalStore(path),
};

/** A path, alone or after local:, or a file URL of this machine. */
const folderOf = (url: string): string => {
  if (!/^file:/i.test(url)) return url.replace(/^local:/i, '');
  const [, path] = /^file:(?:\/\/(?:localhost)?)?(\/(?!\/).*)$/i.exec(url) ?? [];
  if (path !== undefined) return path;
  throw new HoldfastError('USAGE', 'this is not the URL of a folder of this machine', {
    hint: 'write file:///srv/backups, or the path alone',
  });
};

/** The store in this folder, which need not be there yet. */
export const openLocalStore = (path: string): Store & LocalFolder & Folders & NameSync & LargeObjects => {
  const folder = resolve(path);
  const guard = new Guard(folder, checkFileKey);
  return {
    connections: 4,
    location: folder,
    localFolder: folder,
    async put(key, bytes) {
      guard.checkKey(key);
      await writeObject(folder, key, bytes);
    },
    async get(key, range) {
      guard.checkKey(key);
      return readObject(folder, key, range);
    },
    async *list(prefix, options) {
      guard.checkPrefix(prefix);
      yield* wholeFiles(listFiles(folder, prefix, options));
    },
    async delete(key) {
      guard.checkKey(key);
      await removeObject(folder, key);
    },
    async removeLeftovers(prefix) {
      guard.checkPrefix(prefix);
      return await removeUnfinished(listFiles(folder, prefix), (key) => removeObject(folder, key));
    },
    async removeEmptyFolders(key) {
      guard.checkPrefix(key);
      await removeEmptyFolders(join(folder, key));
    },
    async syncNames(keys) {
      for (const key of keys) guard.checkKey(key);
      await syncNames(folder, keys);
    },
    async beginLarge(key) {
      guard.checkKey(key);
      return await beginLarge(folder, key);
    },
    async wasCommitted(key, token) {
      guard.checkKey(key);
      return await wasCommitted(folder, key, token);
    },
    async abandonLarge(key, token) {
      guard.checkKey(key);
      await abandonLarge(folder, key, token);
    },
    deleteLarge(key) {
      return this.delete(key);
    },
    async [Symbol.asyncDispose]() {
      guard.close();
    },
  };
};

/** Not synced: a journal keeps the order of removals, and an object that comes back after a crash does no harm. */
const removeObject = async (folder: string, key: string): Promise<void> => {
  try {
    await unlink(join(folder, key));
  } catch (cause) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? ''))
      throw folderError(cause, 'delete', folder, key);
  }
};
