// The part of a snapshot that somebody asked for.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { ListedEntry, Repository, Snapshot } from '#repository/contract.ts';
import { compilePatterns } from '#sources/files/patterns.ts';
import type { EntryType } from '#sources/source.ts';
import { entriesOf, manifestsOf } from './manifests.ts';
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

/** PATH_UNKNOWN for a path or table that the snapshot does not hold. */
export const select = async (
  repository: Repository,
  snapshot: Snapshot,
  { paths, tables, matches, withSurroundings }: Wanted,
  signal: AbortSignal,
): Promise<Selects> => {
  const places: string[] = [];
  for (const path of paths) places.push((await findPath(repository, snapshot, path, signal)).path);
  const chosen =
    tables.length > 0 ? await pathsOfTables(repository, snapshot, tables, places, signal) : places;
  const root = tagOf(snapshot, 'source');
  const below = (path: string): string =>
    root !== undefined && isWithin(path, root) ? path.slice(root.length + 1) : path;
  return (path, type) =>
    (chosen.length === 0 || isChosen(path, type, chosen, withSurroundings)) &&
    (matches === undefined || path === root || matches(below(path), type));
};

/** The entry that a user's path means: as `ls` shows it, with or without the first slash, or relative to the source. */
export const findPath = async (
  repository: Repository,
  snapshot: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<ListedEntry> => {
  const plain = path.replace(/^\/+/, '').replace(/\/+$/, '');
  const root = tagOf(snapshot, 'source');
  const candidates = root === undefined ? [plain] : [plain, `${root}/${plain}`];
  for (const candidate of candidates) {
    const entry = await firstEntry(repository, snapshot, candidate, signal);
    if (entry) return entry;
  }
  throw new HoldfastError('PATH_UNKNOWN', `snapshot ${snapshot.id.slice(0, 8)} holds no "${path}"`, {
    hint: `\`holdfast ls ${snapshot.id.slice(0, 8)}\` lists what it holds`,
  });
};

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

const pathsOfTables = async (
  repository: Repository,
  snapshot: Snapshot,
  tables: readonly string[],
  places: readonly string[],
  signal: AbortSignal,
): Promise<string[]> => {
  const found = (await manifestsOf(repository, snapshot, signal)).filter(
    ({ folder }) => places.length === 0 || places.some((place) => isWithin(folder, place)),
  );
  return tables.flatMap((name) => {
    const places = found.flatMap((one) =>
      one.manifest.tables.filter((table) => table.name === name).map((table) => ({ one, table })),
    );
    const [place, ...others] = places;
    if (place !== undefined && others.length === 0) return entriesOf(place.one, place.table);
    throw place === undefined
      ? unknownTable(
          snapshot,
          name,
          found.flatMap((one) => one.manifest.tables.map((table) => table.name)),
        )
      : new HoldfastError('USAGE', `table "${name}" is in ${places.length} databases`, {
          hint: `say which with --path: ${places.map(({ one }) => one.folder).join(', ')}`,
        });
  });
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

const unknownTable = (snapshot: Snapshot, name: string, known: readonly string[]): HoldfastError =>
  new HoldfastError(
    'PATH_UNKNOWN',
    `snapshot ${snapshot.id.slice(0, 8)} holds no table "${name}"${didYouMean(name, known)}`,
    {
      hint:
        known.length === 0
          ? 'it holds no tables at all'
          : `it holds ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`,
    },
  );

const isChosen = (
  path: string,
  type: EntryType,
  chosen: readonly string[],
  withSurroundings: boolean,
): boolean =>
  chosen.some((one) => {
    if (isWithin(path, one)) return true;
    if (type === 'dir') return isWithin(one, path);
    return withSurroundings && isWithin(one, path.slice(0, Math.max(0, path.lastIndexOf('/'))));
  });

/** True for the folder itself and all below it; '' is the folder of everything. */
const isWithin = (path: string, folder: string): boolean =>
  folder === '' || path === folder || path.startsWith(`${folder}/`);
