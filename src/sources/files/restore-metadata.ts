// Owners, modes, times and attributes of what was restored; and an account of what could not be given back.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  openSync,
  utimesSync,
} from 'node:fs';
import { fsPath } from '#lib/file-name.ts';
import type { EntryMeta, EntryType } from '../source.ts';
import { ownerRule } from './owners.ts';
import type { SystemCalls } from './system-calls.ts';
import { canHold } from './target-tree.ts';
import { setXattrs } from './xattrs.ts';

export interface MetadataWriter {
  /** Of an open file or folder; only the times when it is settled: has its owner and mode, and is to have no attributes. */
  ofFile(file: number, meta: EntryMeta, settled?: boolean): void;
  /** Of what cannot be opened: symlinks, fifos, devices; and of folders where none can be held open. */
  ofPath(path: string, type: EntryType, meta: EntryMeta): void;
  /** What was left out so far, in sentences. */
  warnings(): string[];
}

interface Options {
  readonly calls: SystemCalls | undefined;
  readonly xattrs: boolean;
}

/** The ways to change one file. */
interface Ways {
  chown(uid: number, gid: number): void;
  setXattr?(name: string, value: Uint8Array): void;
  chmod?(mode: number): void;
  setTimes(atime: bigint, mtime: bigint): void;
}

const billion = 1_000_000_000n;

export const metadataWriter = ({ calls, xattrs }: Options): MetadataWriter => {
  const owners = ownerRule();
  const denied = new Map<string, number>();
  let coarse = 0;
  const onDenied = (name: string): void => void denied.set(name, (denied.get(name) ?? 0) + 1);

  // The order matters: a change of owner clears setuid bits and capabilities, and every change sets the times.
  const apply = (meta: EntryMeta, ways: Ways): void => {
    const kept = owners.apply(meta, ways.chown);
    try {
      applyXattrs(meta, ways);
    } finally {
      if (meta.mode !== undefined) ways.chmod?.(owners.mode(meta.mode, kept));
      setTimes(meta, ways.setTimes);
    }
  };
  const applyXattrs = (meta: EntryMeta, { setXattr }: Ways): void => {
    if (!meta.xattrs || !xattrs) return;
    if (setXattr) setXattrs(meta.xattrs, setXattr, onDenied);
    else for (const { name } of meta.xattrs) onDenied(name);
  };
  const setTimes = ({ mtime, atime }: EntryMeta, set: Ways['setTimes']): void => {
    if (mtime === undefined) return;
    set(atime ?? mtime, mtime);
    if (!calls && mtime % billion !== 0n) coarse += 1;
  };
  return {
    ofFile: (file, meta, settled = false) => {
      const setFileTimes = (atime: bigint, mtime: bigint): void =>
        calls ? calls.setTimes(file, atime, mtime) : futimesSync(file, seconds(atime), seconds(mtime));
      if (settled) setTimes(meta, setFileTimes);
      else
        apply(meta, {
          chown: (uid, gid) => fchownSync(file, uid, gid),
          ...(calls && { setXattr: (name, value) => calls.setXattr(file, name, value) }),
          chmod: (mode) => fchmodSync(file, mode),
          setTimes: setFileTimes,
        });
    },
    ofPath: (path, type, meta) => {
      const place = fsPath(path);
      const link = type === 'symlink';
      apply(meta, {
        chown: (uid, gid) => lchownSync(place, uid, gid),
        ...(calls && { setXattr: (name, value) => calls.setPathXattr(path, name, value) }),
        ...(!link && { chmod: (mode) => chmodNoFollow(place, mode) }),
        setTimes: (atime, mtime) =>
          calls
            ? calls.setPathTimes(path, atime, mtime)
            : (link ? lutimesSync : utimesSync)(place, seconds(atime), seconds(mtime)),
      });
    },
    warnings: () => [
      ...owners.warnings(),
      ...[...denied].map(
        ([name, files]) => `the attribute ${name} could not be restored on ${files} entries`,
      ),
      ...(coarse > 0
        ? [`times of ${coarse} entries may be a microsecond off, or a millisecond before 1970`]
        : []),
    ],
  };
};

/** linux/fcntl.h */
const oPath = 0o10000000;

/** The mode of what cannot be opened, but not of what a symlink leads to that has taken its place. */
const chmodNoFollow = (place: string | Buffer, mode: number): void => {
  if (!canHold) {
    chmodSync(place, mode);
    return;
  }
  const file = openSync(place, oPath | constants.O_NOFOLLOW);
  try {
    chmodSync(`/proc/self/fd/${file}`, mode);
  } finally {
    closeSync(file);
  }
};

/** As Node takes times: floating point, a quarter of a microsecond apart nowadays; only a Date may lie before 1970. */
const seconds = (time: bigint): number | Date =>
  time < 0n ? new Date(Number(time / 1_000_000n)) : Number(time) / 1e9;
