// The walk: depth first, names in the order of their bytes, no symlink followed below what was asked for.
import { type BigIntStats, lstatSync, realpathSync } from 'node:fs';
import { type ErrorCode, HoldfastError, systemCode } from '#lib/errors.ts';
import { decodeName, fsPath } from '#lib/file-name.ts';
import type { Log } from '#lib/log.ts';
import type { EntryMeta, EntryType } from '../source.ts';
import { compareNames, listNames } from './listing.ts';
import { advice, liveDatabaseIn } from './live-databases.ts';
import { linkTargetOf, type Mutable, metaOf, typeOf } from './metadata.ts';
import type { FilesConfig } from './options.ts';
import { inodeOfSubvolume, isCut, onDisk, type Places, snapshotsFolder } from './places.ts';
import { type Plan, type Root, statAsked } from './roots.ts';
import type { Selection } from './selection.ts';
import { readingHint, reasonOf } from './system-error.ts';
import type { XattrReader } from './xattrs.ts';

export interface Walk {
  readonly plan: Plan;
  readonly places: Places;
  readonly selection: Selection;
  /** Absent: extended attributes are not kept. */
  readonly readXattrs: XattrReader | undefined;
  readonly options: Pick<FilesConfig, 'oneFileSystem' | 'withAtime' | 'xattrs'>;
  readonly log: WalkLog;
}

export type WalkLog = Pick<Log, 'info' | 'warn'>;

/** What stands at a place: an entry without its content. */
export interface Seen {
  /** As Entry.path. */
  readonly path: string;
  readonly type: EntryType;
  /** Without the names of its owners. */
  readonly meta: Mutable<EntryMeta>;
  /** As Entry.failed. */
  readonly failed?: HoldfastError;
}

/** All there is, in the order of a dump. */
export function* walkTree(walk: Walk): Generator<Seen> {
  const tally: Tally = { sockets: 0, xattrFailures: 0 };
  const stack: Folder[] = [];
  let found = look(walk, tally, {
    path: walk.plan.folder,
    entryPath: '',
    root: walk.plan.root,
    passage: false,
  });
  for (;;) {
    if (found) {
      const { seen, below } = found;
      if (seen.path !== '' || walk.plan.root.asked) yield seen;
      if (below) stack.push(below);
    }
    const folder = stack.at(-1);
    if (!folder) break;
    const name = folder.names[folder.next];
    folder.next += 1;
    if (name === undefined) stack.pop();
    found = name === undefined ? undefined : look(walk, tally, placeOf(folder, name));
  }
  report(walk.log, tally);
}

/** A folder whose names are being gone through. */
interface Folder {
  /** On disk, ending in '/'. */
  readonly prefix: string;
  /** In the snapshot, empty or ending in '/'. */
  readonly entryPrefix: string;
  readonly names: readonly string[];
  /** Those that are here only because something asked for lies below them. */
  readonly passages: ReadonlySet<string>;
  next: number;
  /** The file system to stay on. */
  readonly device: bigint;
  readonly root: Root | undefined;
}

interface Place {
  readonly path: string;
  readonly entryPath: string;
  /** When it was asked for, or something below it was. */
  readonly root: Root | undefined;
  /** The folder it lies in; absent for the root. */
  readonly folder?: Folder;
  readonly passage: boolean;
}

interface Found {
  readonly seen: Seen;
  readonly below?: Folder;
}

/** What is not worth an entry, to be reported at the end. */
interface Tally {
  sockets: number;
  xattrFailures: number;
  firstXattrFailure?: string;
}

const placeOf = (folder: Folder, name: string): Place => ({
  path: folder.prefix + name,
  entryPath: folder.entryPrefix + name,
  root: folder.root?.within.get(name),
  folder,
  passage: folder.passages.has(name),
});

/** The entry at a place, and what lies below it; undefined when it is left out. */
const look = (walk: Walk, tally: Tally, place: Place): Found | undefined => {
  const { path, root, folder } = place;
  const excluded = !root?.asked && folder !== undefined && walk.selection.excludesPath(path);
  if (excluded && !root) return undefined;
  const moved = walk.places(path);
  const disk = onDisk(path, moved);
  let type: EntryType | undefined;
  try {
    const stat = root ? statAsked(disk) : lstatSync(fsPath(disk), { bigint: true });
    type = typeOf(stat);
    const cut = moved !== undefined && path !== moved.from && isCut(moved, path, stat);
    const elsewhere =
      cut ||
      (walk.options.oneFileSystem && !root?.asked && folder !== undefined && stat.dev !== folder.device);
    if (cut && !walk.options.oneFileSystem) {
      if (!root) throw notInSnapshot(path);
      walk.log.warn(
        { path },
        'only what was asked for below it is read: it is not in the snapshot of its file system',
      );
    }
    if (!root && isLeftOut(walk, tally, stat, type, elsewhere)) return undefined;
    if (type === undefined) throw new Error('it is of no known type');
    const meta = metaOf(stat, type, walk.options.withAtime);
    if (moved) meta.deviceId = moved.deviceId;
    if (type === 'symlink') meta.linkTarget = linkTargetOf(disk);
    addXattrs(walk, tally, root ? realPathOf(disk) : disk, meta);
    const passage = !root?.asked && (place.passage || excluded || elsewhere || folder === undefined);
    const seen = { path: place.entryPath, type, meta };
    return type === 'dir' ? { seen, below: openFolder(walk, place, { disk, stat, passage }) } : { seen };
  } catch (cause) {
    // Gone since its folder was listed: the snapshot is of the moment after.
    if (systemCode(cause) === 'ENOENT' && !root && type === undefined) return undefined;
    if (!folder) throw unreadable('SOURCE_DENIED', path, cause);
    const failed = cause instanceof HoldfastError ? cause : unreadable('ITEM_UNREADABLE', path, cause);
    return { seen: { path: place.entryPath, type: type ?? 'file', meta: {}, failed } };
  }
};

const notInSnapshot = (path: string): HoldfastError =>
  new HoldfastError(
    'ITEM_UNREADABLE',
    `${path} is not in the snapshot of the file system: another one, or a subvolume, is mounted there`,
    {
      hint: 'name it in `paths`, give it a source of its own, or exclude it; `oneFileSystem: true` leaves out all such',
    },
  );

const isLeftOut = (
  walk: Walk,
  tally: Tally,
  stat: BigIntStats,
  type: EntryType | undefined,
  elsewhere: boolean,
): boolean => {
  if (type === 'socket') tally.sockets += 1;
  return (
    type === 'socket' ||
    (elsewhere && type !== 'dir') ||
    (type === 'file' && walk.selection.excludesSize(Number(stat.size)))
  );
};

/** Lists a folder; of a passage only what leads to something asked for. */
const openFolder = (
  walk: Walk,
  place: Place,
  { disk, stat, passage }: { readonly disk: string; readonly stat: BigIntStats; readonly passage: boolean },
): Folder => {
  const { path, entryPath, root } = place;
  const kept = passage ? [] : namesIn(walk, path, { disk, stat });
  const within = [...(root?.within.keys() ?? [])];
  const passages = within.filter((name) => !kept.includes(name));
  return {
    prefix: asPrefix(path),
    entryPrefix: entryPath === '' ? '' : `${entryPath}/`,
    names: passages.length === 0 ? kept : [...kept, ...passages].sort(compareNames),
    passages: new Set(passages),
    next: 0,
    device: root?.asked || !place.folder ? stat.dev : place.folder.device,
    root,
  };
};

const asPrefix = (path: string): string => (path.endsWith('/') ? path : `${path}/`);

const namesIn = (
  { selection, log }: Walk,
  path: string,
  { disk, stat }: { readonly disk: string; readonly stat: BigIntStats },
): readonly string[] => {
  const all = listNames(disk);
  const names = stat.ino === inodeOfSubvolume ? all.filter((name) => name !== snapshotsFolder) : all;
  const kept = selection.namesKept(asPrefix(disk), names);
  const database = liveDatabaseIn(disk, names);
  if (database && !kept.every((name) => selection.excludesPath(asPrefix(path) + name))) {
    const { message, hint } = advice(database);
    log.warn({ path, hint }, `the folder ${message}`);
  }
  return kept;
};

const addXattrs = (walk: Walk, tally: Tally, disk: string, meta: Mutable<EntryMeta>): void => {
  if (!walk.readXattrs) return;
  try {
    const xattrs = walk.readXattrs(disk);
    if (xattrs) meta.xattrs = xattrs;
  } catch (cause) {
    if (walk.options.xattrs === 'required') throw cause;
    tally.xattrFailures += 1;
    tally.firstXattrFailure ??= `${disk}: ${reasonOf(cause)}`;
  }
};

const realPathOf = (path: string): string => decodeName(realpathSync(fsPath(path), { encoding: 'buffer' }));

const unreadable = (code: ErrorCode, path: string, cause: unknown): HoldfastError =>
  new HoldfastError(code, `cannot read ${path}: ${reasonOf(cause)}`, {
    hint: readingHint(cause),
    cause,
  });

const report = (log: WalkLog, { sockets, xattrFailures, firstXattrFailure }: Tally): void => {
  if (sockets > 0) log.info({ sockets }, 'sockets are not kept: they belong to running programs');
  if (xattrFailures > 0)
    log.warn({ files: xattrFailures, first: firstXattrFailure }, 'extended attributes could not be read');
};
