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
  unlinkSync,
} from 'node:fs';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import type { Entry, EntryMeta } from '../source.ts';
import { type NewFile, openNewFile } from './new-file.ts';
import type { MetadataWriter } from './restore-metadata.ts';
import type { SystemCalls } from './system-calls.ts';
import { reasonOf } from './system-error.ts';
import { type Place, pathOf } from './target-tree.ts';
import { writeContent } from './write-content.ts';

interface Options {
  readonly force: boolean;
  readonly overwrite: 'always' | 'if-changed';
  readonly sparse: boolean;
  readonly metadata: MetadataWriter;
  readonly calls: SystemCalls | undefined;
  readonly between: () => Promise<void> | undefined;
}

/**
 * Writes the entry at its place; gives the bytes written. A file cut short is removed again; one
 * whose metadata could not be restored, or whose size is not what is recorded, stays.
 */
export const restoreFile = async (entry: Entry, place: Place, options: Options): Promise<number> => {
  const { meta, path } = entry;
  const { force, overwrite, sparse, between, metadata } = options;
  const content = entry.content?.();
  if (!content)
    throw new HoldfastError('TARGET_FAILED', `${path} has no content in the snapshot`, {
      hint: 'the snapshot may be damaged: run `holdfast check`',
    });
  if (force && overwrite === 'if-changed' && keepSame(place, meta, metadata)) return 0;
  const { file, settled, madeAt } = create(entry, place, options);
  const written = await writeContent(file, content, { sparse, between, size: meta.size ?? 0 }).catch(
    (error: unknown) => {
      try {
        closeSync(file);
      } catch {} // the first error is the one to report
      throw withoutRest(path, madeAt, error);
    },
  );
  try {
    metadata.ofFile(file, meta, settled);
  } finally {
    takePlace(path, madeAt, place, file);
  }
  if (meta.size !== undefined && written !== meta.size) throw ofAnotherSize(path, written, meta.size);
  return written;
};

const ofAnotherSize = (path: string, written: number, size: number): HoldfastError =>
  new HoldfastError(
    'TARGET_FAILED',
    `${path} was restored with the ${written} bytes of its content, and the snapshot says ${size}`,
    {
      hint: 'it changed while the snapshot was made, or the snapshot lost a part of it: look at it, and at an older snapshot',
    },
  );

/** What was made, an open file perhaps, gets its place. NFS says only when a file is closed that there was no room for it. */
export const takePlace = (path: string, madeAt: Place, place: Place, file?: number): void => {
  try {
    if (file !== undefined) closeSync(file);
    if (madeAt !== place) renameSync(pathOf(madeAt), pathOf(place));
  } catch (error) {
    throw withoutRest(path, madeAt, error);
  }
};

/** Removes what is not whole or has no place, and gives the error to be thrown. */
const withoutRest = (path: string, madeAt: Place, error: unknown): unknown => {
  try {
    unlinkSync(pathOf(madeAt));
  } catch (cause) {
    if (!['ENOENT', 'EROFS'].includes(systemCode(cause) ?? ''))
      return new HoldfastError(
        error instanceof HoldfastError ? error.code : 'TARGET_FAILED',
        `cannot restore ${path}: ${reasonOf(error)}; what was made of it cannot be removed: ${reasonOf(cause)}`,
        { hint: `remove ${madeAt.name} there by hand`, cause: error },
      );
  }
  return error;
};

/**
 * Where to make what belongs at the place: there, or beside what may be replaced, which stays until the new one is whole. A folder with
 * something in it is never replaced.
 */
export const placeToMakeAt = (place: Place, path: string, force: boolean): Place => {
  const there = force && lstatSync(pathOf(place), { throwIfNoEntry: false });
  if (there && !there.isDirectory()) return { folder: place.folder, name: `.holdfast-${randomUUID()}` };
  clearPlace(place, path, force);
  return place;
};

/** Removes what stands in the way of something to be made, if that is allowed and no folder with something in it. */
export const clearPlace = (place: Place, path: string, force: boolean): void => {
  const there = lstatSync(pathOf(place), { throwIfNoEntry: false });
  if (!there) return;
  if (!force)
    throw new HoldfastError('TARGET_FAILED', `${path} is there already`, {
      hint: 'the snapshot may have it twice, or somebody else wrote it meanwhile',
    });
  if (!there.isDirectory()) unlinkSync(pathOf(place));
  else
    try {
      rmdirSync(pathOf(place));
    } catch (cause) {
      throw new HoldfastError('TARGET_FAILED', `cannot restore ${path}: a folder is in its place`, {
        hint: 'move the folder away, or restore into an empty one',
        cause,
      });
    }
};

/** The open new file, and where it is for now. */
const create = (
  { path, meta }: Entry,
  place: Place,
  { force, calls }: Options,
): NewFile & { madeAt: Place } => {
  try {
    return { ...openNewFile(place, meta, calls), madeAt: place };
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  const madeAt = placeToMakeAt(place, path, force);
  return { ...openNewFile(madeAt, meta, calls), madeAt };
};

/** True when the file that is there has the same size and time: only its other metadata is restored then. */
const keepSame = (place: Place, meta: EntryMeta, metadata: MetadataWriter): boolean => {
  const there = lstatSync(pathOf(place), { bigint: true, throwIfNoEntry: false });
  if (!there?.isFile() || Number(there.size) !== meta.size || there.mtimeNs !== meta.mtime) return false;
  const file = openSync(pathOf(place), keepFlags);
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
