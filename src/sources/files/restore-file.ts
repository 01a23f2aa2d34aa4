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

/** Writes the entry as `place`, a path in a held folder; gives the bytes written. A file cut short is removed again. */
export const restoreFile = async (entry: Entry, place: string, options: Options): Promise<number> => {
  const { content, meta, path } = entry;
  if (!content)
    throw new HoldfastError('TARGET_FAILED', `${path} has no content in the snapshot`, {
      hint: 'the snapshot may be damaged: run `holdfast check`',
    });
  if (options.force && options.overwrite === 'if-changed' && keepSame(place, meta, options.metadata))
    return 0;
  const { file, name } = create(place, path, options.force);
  try {
    const { sparse, between } = options;
    // `content` is called as a method: an entry may keep its state on itself.
    const written = await writeContent(file, entry.content?.() ?? [], {
      sparse,
      between,
      size: meta.size ?? 0,
    });
    options.metadata.ofFile(file, meta);
    if (name !== place) renameSync(fsPath(name), fsPath(place));
    return written;
  } catch (error) {
    unlinkSync(fsPath(name));
    throw error;
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
  const there = lstatSync(fsPath(place), { throwIfNoEntry: false });
  if (!there?.isFile()) return false;
  const file = openSync(
    fsPath(place),
    constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  );
  try {
    const { size, mtimeNs, nlink } = fstatSync(file, { bigint: true });
    // A file with another name may belong to somebody outside of the target: it is replaced, not touched.
    const same = nlink === 1n && Number(size) === meta.size && mtimeNs === meta.mtime;
    if (same) metadata.ofFile(file, meta);
    return same;
  } finally {
    closeSync(file);
  }
};
