// One file: made anew and filled, or, under force, put in the place of the one that is there once it is whole.
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { fsPath } from '#lib/file-name.ts';
import type { Entry, EntryMeta } from '../source.ts';
import type { MetadataWriter } from './restore-metadata.ts';
import { writeContent } from './write-content.ts';

interface Options {
  readonly force: boolean;
  readonly overwrite: 'always' | 'if-changed';
  readonly sparse: boolean;
  readonly metadata: MetadataWriter;
  readonly between: () => Promise<void> | undefined;
}

/**
 * Writes the entry as `place`, a path in a held folder; gives the bytes written. A file cut short is removed again; one
 * whose metadata could not be restored stays.
 */
export const restoreFile = async (entry: Entry, place: string, options: Options): Promise<number> => {
  const { meta, path } = entry;
  const { force, overwrite, sparse, between, metadata } = options;
  const content = entry.content?.();
  if (!content)
    throw new HoldfastError('TARGET_FAILED', `${path} has no content in the snapshot`, {
      hint: 'the snapshot may be damaged: run `holdfast check`',
    });
  if (force && overwrite === 'if-changed' && keepSame(place, meta, metadata)) return 0;
  const { file, name } = create(place, path, force);
  try {
    const written = await writeContent(file, content, { sparse, between, size: meta.size ?? 0 }).catch(
      (error: unknown) => {
        rmSync(fsPath(name), { force: true });
        throw error;
      },
    );
    try {
      metadata.ofFile(file, meta);
    } finally {
      if (name !== place) renameSync(fsPath(name), fsPath(place));
    }
    return written;
  } finally {
    closeSync(file);
  }
};

/** Removes what stands in the way of something to be made, if that is allowed and no folder with something in it. */
export const clearPlace = (place: string, path: string, force: boolean): void => {
  const there = lstatSync(fsPath(place), { throwIfNoEntry: false });
  if (!there) return;
  if (!force)
    throw new HoldfastError('TARGET_FAILED', `${path} is there already`, {
      hint: 'the snapshot may have it twice, or somebody else wrote it meanwhile',
    });
  if (!there.isDirectory()) unlinkSync(fsPath(place));
  else
    try {
      rmdirSync(fsPath(place));
    } catch (cause) {
      throw new HoldfastError('TARGET_FAILED', `cannot restore ${path}: a folder is in its place`, {
        hint: 'move the folder away, or restore into an empty one',
        cause,
      });
    }
};

/** The open new file, and the name it has for now. */
const create = (place: string, path: string, force: boolean): { file: number; name: string } => {
  try {
    return { file: openSync(fsPath(place), createFlags, 0o600), name: place };
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  const there = lstatSync(fsPath(place), { throwIfNoEntry: false });
  if (!force || there?.isDirectory()) clearPlace(place, path, force);
  const name =
    force && there?.isFile()
      ? `${place.slice(0, place.lastIndexOf('/') + 1)}.holdfast-${randomUUID()}`
      : place;
  if (name === place) clearPlace(place, path, force);
  return { file: openSync(fsPath(name), createFlags, 0o600), name };
};

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** True when the file that is there has the same size and time: only its other metadata is restored then. */
const keepSame = (place: string, meta: EntryMeta, metadata: MetadataWriter): boolean => {
  const there = lstatSync(fsPath(place), { bigint: true, throwIfNoEntry: false });
  if (!there?.isFile() || Number(there.size) !== meta.size || there.mtimeNs !== meta.mtime) return false;
  const file = openSync(fsPath(place), keepFlags);
  try {
    const { ino, nlink } = fstatSync(file, { bigint: true });
    // A file with another name may belong to somebody outside of the target: it is replaced, not touched.
    if (ino !== there.ino || nlink !== 1n) return false;
    metadata.ofFile(file, meta);
    return true;
  } finally {
    closeSync(file);
  }
};

const keepFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
