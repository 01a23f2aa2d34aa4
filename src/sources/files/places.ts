// Where on disk lies what is read: where it was asked for, or in a snapshot of its file system.
import type { BigIntStats } from 'node:fs';

/** What was asked for as `from`, and all below it, is read from `to`. Absolute paths. */
export interface Moved {
  readonly from: string;
  readonly to: string;
  /** The number of the device of `from`: that of the snapshot is another one each time. */
  readonly deviceId: bigint;
  /** It has subvolumes, each of which is a folder with nothing in it where another one is read. */
  readonly hasSubvolumes: boolean;
  /** Below `from`, as asked: where other file systems are mounted, of which the snapshot has nothing. */
  readonly mounts: readonly string[];
}

/** What keeps snapshots, in the root of the subvolume that they are of. It is nobody's data, and not walked into. */
export const snapshotsFolder = '.holdfast-snapshots';

/** Of the root of every subvolume: BTRFS_FIRST_FREE_OBJECTID of Linux's btrfs_tree.h. */
export const inodeOfSubvolume = 256n;
/** In the place of each other subvolume a snapshot has an empty folder: BTRFS_EMPTY_SUBVOL_DIR_OBJECTID. */
const inodeOfEmptySubvolume = 2n;

/** What stands for a path that was asked for, or lies below such a one; undefined when it is read where it is. */
export type Places = (path: string) => Moved | undefined;

export const placesOf = (moved: readonly Moved[]): Places => {
  if (moved.length === 0) return () => undefined;
  const longestFirst = moved.toSorted((a, b) => b.from.length - a.from.length);
  return (path) => longestFirst.find(({ from }) => isWithin(from, path));
};

/** Where the path is read. */
export const onDisk = (path: string, moved: Moved | undefined): string => {
  if (!moved) return path;
  return path === moved.from ? moved.to : moved.to + path.slice(moved.from === '/' ? 0 : moved.from.length);
};

/** True of the folder itself, too. */
export const isWithin = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** True where another subvolume or file system stands in the tree, which the snapshot has as a folder with nothing in it. */
export const isCut = ({ mounts, hasSubvolumes }: Moved, path: string, stat: BigIntStats): boolean =>
  (hasSubvolumes && stat.isDirectory() && stat.ino === inodeOfEmptySubvolume) || mounts.includes(path);
