// The part of a snapshot that somebody asked for.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { ListedEntry, Repository, Snapshot } from '#repository/contract.ts';
import { compilePatterns } from '#sources/files/patterns.ts';
import type { EntryType } from '#sources/source.ts';
import { type FoundTable, findTables } from './find-tables.ts';
import { manifestsOf } from './manifests.ts';
import { tagOf } from './snapshot-choice.ts';

/** Says of each path of the snapshot ('shop/data/public.orders') whether it belongs to the selection. */
export type Selects = (path: string, type: EntryType) => boolean;

export interface Wanted {
  /** As `ls` shows them, or relative to the source. With what is below them. */
  readonly paths: readonly string[];
  /** Names of tables or collections, as their manifests have them; with paths, those of the databases there. */
  readonly tables: readonly string[];
  /** By the user's patterns; the path is relative to the source. */
  readonly matches?: Selects | undefined;
  /** Also what a database needs to take in a part of itself: the files that lie directly in the folders above it. */
  readonly withSurroundings: boolean;
}

export interface Selection {
  readonly selects: Selects;
  /** The tables asked for, by their full names. */
  readonly tables: readonly string[];
  /**
   * The paths asked for, as the source knows them; an empty list when only patterns chose. Absent: nothing was chosen, all
   * is wanted.
   */
  readonly asked?: readonly string[];
}

/** PATH_UNKNOWN for a path or table that the snapshot does not hold. */
export const select = async (
  repository: Repository,
  snapshot: Snapshot,
  { paths, tables, matches, withSurroundings }: Wanted,
  signal: AbortSignal,
): Promise<Selection> => {
  const places: string[] = [];
  for (const path of paths) places.push(await placeOf(repository, snapshot, path, signal));
  const found = await tablesOf(repository, snapshot, tables, places, signal);
  const chosen = found.length > 0 ? found.flatMap((table) => table.paths) : places;
  const root = tagOf(snapshot, 'source');
  const below = (path: string): string => {
    if (path === root) return '';
    return root !== undefined && isWithin(path, root) ? path.slice(root.length + 1) : path;
  };
  return {
    selects: (path, type) =>
      (chosen.length === 0 || isChosen(path, type, chosen, withSurroundings)) &&
      (matches === undefined || path === root || matches(below(path), type)),
    tables: found.map(({ name }) => name),
    ...(chosen.length > 0 || matches ? { asked: chosen.map(below) } : {}),
  };
};

/** The path of an entry; or, when it ends in '*', of all entries of a folder whose names begin so. */
const placeOf = async (
  repository: Repository,
  snapshot: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<string> => {
  const [, folder = '', start = ''] = /^(?:(.*)\/)?([^/]*)\*$/s.exec(path) ?? [];
  if (!path.endsWith('*')) return (await findPath(repository, snapshot, path, signal)).path;
  const parent =
    folder === ''
      ? (tagOf(snapshot, 'source') ?? '')
      : (await findPath(repository, snapshot, folder, signal)).path;
  const prefix = parent === '' ? start : `${parent}/${start}`;
  for await (const entry of repository.list(snapshot, {
    signal,
    include: (candidate, type) =>
      candidate.startsWith(prefix) || (type === 'dir' && isWithin(parent, candidate)),
  }))
    if (entry.path.startsWith(prefix)) return `${prefix}*`;
  throw unknownPath(snapshot, path);
};

/** The entry that a user's path means: as `ls` shows it, with or without the first slash, or relative to the source; '/' is everything. */
export const findPath = async (
  repository: Repository,
  snapshot: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<ListedEntry> => {
  const plain = path.replace(/^\/+/, '').replace(/\/+$/, '');
  if (plain === '') return everything;
  const root = tagOf(snapshot, 'source');
  const candidates = root === undefined ? [plain] : [plain, `${root}/${plain}`];
  for (const candidate of candidates) {
    const entry = await firstEntry(repository, snapshot, candidate, signal);
    if (entry) return entry;
  }
  throw unknownPath(snapshot, path);
};

/** The folder above all that a snapshot has, of which restic's may hold several things. */
const everything: ListedEntry = { path: '', type: 'dir', meta: {}, blobs: [] };

const unknownPath = (snapshot: Snapshot, path: string): HoldfastError =>
  new HoldfastError('PATH_UNKNOWN', `snapshot ${shortId(snapshot.id)} holds no "${path}"`, {
    hint: `\`holdfast ls ${shortId(snapshot.id)}\` lists what it holds`,
  });

const firstEntry = async (
  repository: Repository,
  snapshot: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<ListedEntry | undefined> => {
  try {
    for await (const entry of repository.list(snapshot, { path, signal })) return entry;
  } catch (error) {
    if (!hasCode(error, 'PATH_UNKNOWN')) throw error;
  }
  return undefined;
};

/** Where the data of tables lies; with places, of those in the databases there. */
const tablesOf = async (
  repository: Repository,
  snapshot: Snapshot,
  names: readonly string[],
  places: readonly string[],
  signal: AbortSignal,
): Promise<FoundTable[]> => {
  if (names.length === 0) return [];
  const databases = (await manifestsOf(repository, snapshot, signal)).filter(
    ({ folder }) => places.length === 0 || places.some((place) => isWithin(folder, place)),
  );
  return findTables(names, databases, snapshot);
};

/** What `--include` and `--exclude` let through, with restic's patterns; '/' at the start is the source's own root. */
export const byPatterns = (include: readonly string[], exclude: readonly string[]): Selects | undefined => {
  if (include.length + exclude.length === 0) return undefined;
  const included = include.length === 0 ? undefined : compilePatterns(include);
  const excluded = compilePatterns(exclude);
  return (path, type) => {
    const rooted = `/${path}`;
    if (excluded.matches(rooted)) return false;
    return (
      included === undefined || included.matches(rooted) || (type === 'dir' && included.mayMatchBelow(rooted))
    );
  };
};

const isChosen = (
  path: string,
  type: EntryType,
  chosen: readonly string[],
  withSurroundings: boolean,
): boolean =>
  chosen.some((one) => {
    if (one.endsWith('*') ? path.startsWith(one.slice(0, -1)) : isWithin(path, one)) return true;
    if (type === 'dir') return isWithin(one, path);
    return withSurroundings && isWithin(one, path.slice(0, Math.max(0, path.lastIndexOf('/'))));
  });

/** True for the folder itself and all below it; '' is the folder of everything. */
const isWithin = (path: string, folder: string): boolean =>
  folder === '' || path === folder || path.startsWith(`${folder}/`);
