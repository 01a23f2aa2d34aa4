// What a REST server takes: the objects of a repository, by restic's names for them. Packs lie there in one folder, not in 256.
import { HoldfastError } from '#lib/errors.ts';

const folders = ['data', 'index', 'keys', 'locks', 'snapshots'] as const;
export type RestFolder = (typeof folders)[number];

const named = /^(index|keys|locks|snapshots)\/[0-9a-f]{64}$/;
const pack = /^data\/([0-9a-f]{2})\/(\1[0-9a-f]{62})$/;

/** The path of an object below the repository's address; undefined for a key that no object of a repository has. */
export const pathOf = (key: string): string | undefined => {
  if (key === 'config' || named.test(key)) return key;
  const id = pack.exec(key)?.[2];
  return id === undefined ? undefined : `data/${id}`;
};

/** The key of what a folder's listing names; undefined for what is no object, such as files of an upload that broke off. */
export const keyOf = (folder: RestFolder, name: string): string | undefined => {
  const key = folder === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${folder}/${name}`;
  return pathOf(key) && key;
};

/** The folders that may have objects whose key begins so. */
export const foldersFor = (prefix: string): readonly RestFolder[] =>
  folders.filter((folder) => `${folder}/`.startsWith(prefix) || prefix.startsWith(`${folder}/`));

/** The error for what a repository does not have: plain files belong elsewhere. */
export const notOfARepository = (location: string, key: string): HoldfastError =>
  new HoldfastError('CONFIG_INVALID', `${location} keeps a repository and nothing else, and no ${key}`, {
    hint: 'keep plain files in a folder, over SFTP, in S3 or Swift',
  });
