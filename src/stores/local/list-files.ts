// The files below a prefix, found lazily, folder by folder.
import { type Dirent, lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as otherWork } from 'node:timers/promises';
import { systemCode } from '#lib/errors.ts';
import { slashed } from '#lib/file-name.ts';
import { leadsAbove, linkLoop } from '../link-loop.ts';
import type { ListOptions, StoredObject } from '../store.ts';
import { unlessUnreadable } from '../unreadable.ts';
import { folderError } from './folder-error.ts';

/** Every file whose key begins with the prefix. What goes away meanwhile is left out; what has a name that is not UTF-8 is not. */
export async function* listFiles(
  root: string,
  prefix: string,
  options: ListOptions = {},
): AsyncGenerator<StoredObject> {
  const cut = prefix.lastIndexOf('/') + 1;
  yield* filesIn(root, { key: prefix.slice(0, cut), linksFrom: [] }, prefix.slice(cut), options);
}

interface Folder {
  /** Ends in '/', or is the store's own. */
  readonly key: string;
  /** Where the links on the way to it lie. */
  readonly linksFrom: readonly string[];
}

async function* filesIn(
  root: string,
  { key: folder, linksFrom }: Folder,
  start: string,
  options: ListOptions,
): AsyncGenerator<StoredObject> {
  const entries = (await unlessUnreadable(folder, options, () => readFolder(root, folder))) ?? [];
  for (const [index, entry] of entries.entries()) {
    if (!entry.name.startsWith(start)) continue;
    if (index % 1000 === 999) await otherWork();
    const key = folder + entry.name;
    // Links are followed: people put folders of a repository on other disks.
    const look = async () => lookAt(root, key);
    const found =
      entry.isDirectory() && !isNotUtf8(entry.name) ? 'folder' : await unlessUnreadable(key, options, look);
    if (found === 'folder') {
      const follow = async () => (entry.isSymbolicLink() ? followed(root, key, linksFrom) : linksFrom);
      const links = await unlessUnreadable(key, options, follow);
      if (links) yield* filesIn(root, { key: `${key}/`, linksFrom: links }, '', options);
    } else if (found !== undefined) yield found;
    else if (isNotUtf8(entry.name)) yield { key, size: 0 };
  }
}

/** Where the links lie when another one is followed. One that leads to a folder above it would be followed until its path is too long. */
const followed = (root: string, key: string, linksFrom: readonly string[]): readonly string[] => {
  const path = join(root, key);
  const realPath = (of: string): string => {
    try {
      return slashed(realpathSync(of));
    } catch (cause) {
      throw folderError(cause, 'look at', root, key);
    }
  };
  const all = [...linksFrom, realPath(dirname(path))];
  if (leadsAbove(realPath(path), all)) throw linkLoop(path);
  return all;
};

/** Node reads such a name so that nothing is found under it: listed all the same, it is seen to be missing when it is read. */
const isNotUtf8 = (name: string): boolean => name.includes('\uFFFD');

const readFolder = async (root: string, folder: string, isSecond = false): Promise<Dirent[]> => {
  try {
    return await readdir(join(root, folder), { withFileTypes: true });
  } catch (cause) {
    let isFile = systemCode(cause) === 'ENOTDIR';
    if (systemCode(cause) === 'ENOENT') {
      const there = nameOf(root, folder);
      if (!there) return [];
      if (there.isDirectory() && !isSecond) return await readFolder(root, folder, true); // somebody has just made it
      isFile = there.isFile(); // Windows says so of a file
    }
    if (isFile && statSync(root).isDirectory()) return [];
    throw folderError(cause, 'list', root, folder || 'its objects');
  }
};

/** A link to a disk that is not mounted leads nowhere: what lies there is not gone, and a prune that took it for gone would remove what it needs. */
const nameOf = (root: string, folder: string): Stats | undefined => {
  const path = join(root, folder).replace(/[/\\]+$/, ''); // with a slash the link would be followed
  return lstatSync(path, { throwIfNoEntry: false });
};

const lookAt = (root: string, key: string): StoredObject | 'folder' | undefined => {
  try {
    const stats = statSync(join(root, key), { throwIfNoEntry: false });
    if (stats?.isDirectory()) return 'folder';
    return stats?.isFile() ? { key, size: stats.size, modified: new Date(stats.mtimeMs) } : undefined;
  } catch (cause) {
    throw folderError(cause, 'look at', root, key);
  }
};
