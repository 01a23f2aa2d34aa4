// Files that are named by the rows of a database, as entries of a partial backup: 'files/2026/photo.jpg'.
import { createReadStream, lstatSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { changedFilesFolder } from './receiver.ts';
import type { Entry } from './source.ts';

export interface NamedFiles {
  readonly folder: string;
  /** Relative to it, as the rows have them. */
  readonly paths: readonly string[];
}

/** Depth first, each path once. A file that cannot be had is reported, and the others go on. */
export function* namedFiles(found: readonly NamedFiles[]): Generator<Entry> {
  const files = new Map<string, string>();
  for (const { folder, paths } of found)
    for (const path of paths) files.set(path.replace(/^(\.?\/)+/, ''), folder);
  if (files.size === 0) return;
  const made = new Set<string>();
  const parts = ([path]: readonly [string, string]): Buffer => Buffer.from(path.replaceAll('/', '\0'));
  for (const [path, folder] of [...files].toSorted((a, b) => Buffer.compare(parts(a), parts(b)))) {
    const full = `${changedFilesFolder}/${path}`;
    if (!isSafeName(path)) {
      yield {
        path: `${changedFilesFolder}/${encodeURIComponent(path)}`,
        type: 'file',
        meta: {},
        failed: unsafe(path),
      };
      continue;
    }
    for (const parent of parentsOf(full))
      if (!made.has(parent)) {
        made.add(parent);
        yield { path: parent, type: 'dir', meta: { mode: 0o755 } };
      }
    yield entryOf(full, folder, path);
  }
}

/** True for a path that stays below its folder. */
export const isSafeName = (path: string): boolean =>
  path !== '' && !path.startsWith('/') && !/(^|\/)\.{0,2}(\/|$)|\0/.test(path);

const parentsOf = (path: string): string[] => {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
};

const entryOf = (path: string, folder: string, name: string): Entry => {
  try {
    const file = realpathSync(join(folder, name));
    if (!file.startsWith(realpathSync(folder) + sep)) throw new Error('it lies outside the folder');
    const stat = lstatSync(file, { bigint: true });
    if (!stat.isFile()) throw new Error('it is no file');
    return {
      path,
      type: 'file',
      meta: { mode: Number(stat.mode) & 0o777, mtime: stat.mtimeNs, size: Number(stat.size) },
      content: () => createReadStream(file),
      item: path,
    };
  } catch (cause) {
    const failed = new HoldfastError(
      'ITEM_UNREADABLE',
      `${name} in ${folder} cannot be read: ${messageOf(cause)}`,
      {
        cause,
      },
    );
    return { path, type: 'file', meta: {}, failed };
  }
};

const unsafe = (path: string): HoldfastError =>
  new HoldfastError('PATH_UNSAFE', `a row names the file ${JSON.stringify(path)}, which may lie anywhere`);
