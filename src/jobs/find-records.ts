// Documents and rows of a snapshot by their keys, for kinds that know how to find them.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { FoundRecord, RecordFinder } from '#sources/records.ts';
import { recordFinderOf } from '#sources/registry.ts';
import { findPath } from './selection.ts';
import { tagOf } from './snapshot-choice.ts';

export interface RecordsFile {
  /** As the snapshot has it. */
  readonly path: string;
  readonly records: readonly FoundRecord[];
  /** Paths of the snapshot that a restore of these records needs, the file's own among them. */
  readonly needs: readonly string[];
}

/** What was read already: the same content is in many snapshots. */
export type RecordsRead = Map<string, readonly FoundRecord[]>;

export interface RecordsWanted {
  readonly key: string;
  /** Only at and below this path of the snapshot. */
  readonly within?: string | undefined;
  readonly signal: AbortSignal;
  readonly read?: RecordsRead;
}

/** True when documents of such a snapshot can be found. */
export const hasRecords = (snapshot: Snapshot): boolean =>
  recordFinderOf(tagOf(snapshot, 'kind')) !== undefined;

/** Each file that has the record, with all of it. USAGE for a snapshot of a kind that has none. */
export async function* findRecords(
  repository: Repository,
  snapshot: Snapshot,
  { key, within, signal, read = new Map() }: RecordsWanted,
): AsyncGenerator<RecordsFile> {
  const kind = tagOf(snapshot, 'kind');
  const finder = await recordFinderOf(kind)?.();
  if (!finder)
    throw new HoldfastError(
      'USAGE',
      `snapshot ${shortId(snapshot.id)} is of kind ${kind ?? 'files'}, which has no documents`,
      {
        hint: 'name a snapshot of CouchDB or MongoDB',
      },
    );
  const root = tagOf(snapshot, 'source') ?? '';
  const below = (path: string): string => path.slice(root.length + 1);
  const include = (path: string, type: string): boolean => type === 'dir' || finder.holds(below(path), key);
  const options = { include, signal, ...(within !== undefined && { path: within }) };
  for await (const { path, type, blobs } of repository.list(snapshot, options)) {
    if (type !== 'file' || !finder.holds(below(path), key)) continue;
    const name = `${key}\0${blobs.join()}`;
    const records =
      read.get(name) ?? (await readRecords(repository, snapshot, { path, key, finder, signal }));
    read.set(name, records);
    const needs = [path, ...finder.beside(below(path)).map((folder) => `${root}/${folder}`)];
    if (records.length > 0) yield { path, records, needs };
  }
}

const readRecords = async (
  repository: Repository,
  snapshot: Snapshot,
  of: {
    readonly path: string;
    readonly key: string;
    readonly finder: RecordFinder;
    readonly signal: AbortSignal;
  },
): Promise<FoundRecord[]> => {
  const found: FoundRecord[] = [];
  for await (const entry of repository.read(snapshot, { path: of.path, signal: of.signal }))
    if (entry.content && entry.path === of.path)
      for await (const record of of.finder.read(entry.content(), of.key)) found.push(record);
  return found;
};

interface PlacesWanted {
  readonly keys: readonly string[];
  /** Only at and below these paths, as the user has them; everywhere when there are none. */
  readonly paths: readonly string[];
  readonly signal: AbortSignal;
}

/** Where the records lie, with what a restore of them needs. PATH_UNKNOWN for one that is nowhere, USAGE for one in several places. */
export const recordPlaces = async (
  repository: Repository,
  snapshot: Snapshot,
  { keys, paths, signal }: PlacesWanted,
): Promise<string[]> => {
  const places: string[] = [];
  for (const path of paths) places.push((await findPath(repository, snapshot, path, signal)).path);
  const needed = new Set<string>();
  for (const key of keys) {
    const files: RecordsFile[] = [];
    for (const within of places.length > 0 ? places : [undefined])
      for await (const file of findRecords(repository, snapshot, { key, within, signal })) files.push(file);
    const [only] = files;
    if (!only || files.length > 1) throw notOne(snapshot, key, files);
    for (const need of only.needs) if (await isThere(repository, snapshot, need, signal)) needed.add(need);
  }
  return [...needed];
};

/** The error for a record that is not in exactly one file. */
export const notOne = (
  { id }: Snapshot,
  key: string,
  files: readonly Pick<RecordsFile, 'path'>[],
): HoldfastError =>
  files.length === 0
    ? new HoldfastError('PATH_UNKNOWN', `snapshot ${shortId(id)} holds no document "${key}"`, {
        hint: '`holdfast find --document` looks in all snapshots',
      })
    : new HoldfastError('USAGE', `${files.length} databases have a document "${key}"`, {
        hint: `say which, by its path: ${files.map(({ path }) => path).join(', ')}`,
      });

const isThere = async (
  repository: Repository,
  snapshot: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<boolean> => {
  try {
    await findPath(repository, snapshot, path, signal);
    return true;
  } catch (error) {
    if (hasCode(error, 'PATH_UNKNOWN')) return false;
    throw error;
  }
};
