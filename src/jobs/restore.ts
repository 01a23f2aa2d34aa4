// A snapshot → a folder or a database.

import { HoldfastError } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { ReadOptions, Repository, Snapshot } from '#repository/contract.ts';
import { canDo } from '#sources/abilities.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import type { Entry, RestoreReport } from '#sources/source.ts';
import { recordPlaces } from './find-records.ts';
import type { JobContext } from './job-context.ts';
import { manifestsOf } from './manifests.ts';
import type { ColumnValues } from './rows/fitting.ts';
import { type OnlyRows, onlyRows } from './rows/only-rows.ts';
import { type Selection, type Selects, select, type Wanted } from './selection.ts';
import { tagOf } from './snapshot-choice.ts';

type Failure = RestoreReport['failures'][number];
type Renames = readonly (readonly [from: string, to: string])[];

export interface RestoreRequest {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  /** The place to restore into: a folder (kind `files`) takes snapshots of any kind, a database those of its own. */
  readonly target: SourceConfig;
  readonly wanted: Omit<Wanted, 'withSurroundings'>;
  readonly rename: Renames;
  /** Only these documents, by their keys; with paths, of the databases there. */
  readonly documents?: readonly string[];
  /** Only the rows of the one table asked for that have these values. */
  readonly rows?: ColumnValues;
  /** Another name for the one table asked for, or else for the snapshot's only database. */
  readonly as?: string;
  /** Only the documents that this finds, in the engine's own language. */
  readonly query?: string;
  /** Write into a target that is not empty. */
  readonly force: boolean;
}

/** What a restore would bring back. */
export interface RestorePlan {
  readonly selection: Selection;
  /** The folder of the snapshot that becomes the target; absent for snapshots without a source, as restic makes them. */
  readonly root: string | undefined;
  readonly rename: Renames;
  /** The rows asked for; absent: all of each table. */
  readonly rows?: OnlyRows;
  readonly files: number;
  readonly bytes: number;
  /** Folders whose content is not to be known, as far as that was looked at. */
  readonly lost: readonly Failure[];
}

/**
 * Looks at the listing only, and not even there when all is wanted and its size is known; for rows, at all of their table.
 * PATH_UNKNOWN when something asked for, or everything, is not there.
 */
export const planRestore = async (
  request: RestoreRequest,
  { signal, onEvent }: JobContext,
  onEntry?: (path: string, sizeBytes: number | undefined) => Promise<void>,
): Promise<RestorePlan> => {
  const { repository, snapshot, target } = request;
  requireFit(snapshot, target);
  assertTakesQuery(request);
  const wanted = await withDocuments(request, signal);
  assertRowsAlone(request);
  const root = tagOf(snapshot, 'source');
  const selection = await select(
    repository,
    snapshot,
    { ...wanted, withSurroundings: !isFolder(target) },
    signal,
  );
  const rename = await renamesOf(request, selection, signal);
  const { selects } = selection;
  const rows =
    request.rows &&
    (await onlyRows({ repository, snapshot, selects, values: request.rows }, { signal, onEvent }));
  const known = onEntry === undefined && isWhole(wanted) ? snapshot.summary : undefined;
  let files = known?.totalFilesProcessed ?? 0;
  let bytes = known?.totalBytesProcessed ?? 0;
  const lost: Failure[] = [];
  const listed = { include: selects, ...goingOn(target, lost), signal };
  for await (const { path, type, meta } of known ? [] : repository.list(snapshot, listed)) {
    if (type === 'dir') continue;
    const size = rows?.sizeOf(path) ?? meta.size;
    files += 1;
    bytes += size ?? 0;
    await onEntry?.(path, size);
  }
  if (files === 0 && lost.length === 0 && wanted.matches !== undefined)
    throw new HoldfastError('PATH_UNKNOWN', 'the patterns match nothing in the snapshot', {
      hint: `\`holdfast ls ${shortId(snapshot.id)}\` lists what it holds`,
    });
  return { selection, root, rename, ...(rows && { rows }), files, bytes, lost };
};

/** Writes what the plan holds into the target. */
export const restoreSnapshot = async (
  { repository, snapshot, target, force, query, documents = [] }: RestoreRequest,
  { selection: { selects, asked }, root, rename, rows, files, bytes }: RestorePlan,
  { signal, clock, log, onEvent }: JobContext,
): Promise<RestoreReport> => {
  const subject = root ?? shortId(snapshot.id);
  onEvent({ type: 'started', subject, doing: `restoring snapshot ${shortId(snapshot.id)}` });
  await using opened = await openSource(target, { signal, clock, log });
  const lost: Failure[] = [];
  const entries: AsyncIterable<Entry> = repository.read(snapshot, {
    ...(root !== undefined && { root }),
    include: root === undefined ? selects : withRoot(root, selects),
    oneByOne: isFolder(target), // databases load several tables at once
    ...goingOn(target, lost),
    signal,
  });
  const report = await opened.restore(rows ? rows.among(entries) : entries, {
    force,
    rename,
    ...(asked && { selection: asked }),
    ...(query !== undefined && { query }),
    ...(documents.length > 0 && { records: documents }),
    onProgress: (done) =>
      onEvent({
        type: 'progress',
        subject,
        progress: {
          phase: 'restoring',
          bytes: done.bytes,
          totalBytes: bytes,
          items: done.entries,
          totalItems: files,
          current: done.current,
        },
      }),
  });
  return { ...report, failures: [...report.failures, ...lost] };
};

const assertTakesQuery = ({ query, target }: RestoreRequest): void => {
  if (query === undefined || canDo(target.kind, 'restore by query')) return;
  throw new HoldfastError('USAGE', `a ${target.kind} target takes no query`, {
    hint: 'queries choose documents of MongoDB; name a table or a path instead',
  });
};

/** What is there may not be replaced by a few rows of it. */
const assertRowsAlone = ({ rows, wanted, force, documents = [], query }: RestoreRequest): void => {
  if (!rows) return;
  if (wanted.tables.length !== 1)
    throw new HoldfastError('USAGE', 'rows are restored of one table', { hint: 'name it with --table' });
  if (force)
    throw new HoldfastError('USAGE', '--force would replace the table by these rows', {
      hint: 'restore them beside it, with --as',
    });
  if (wanted.matches !== undefined)
    throw new HoldfastError('USAGE', 'patterns choose files, and rows are of all files of their table', {
      hint: 'leave out --include and --exclude',
    });
  if (documents.length > 0 || query !== undefined)
    throw new HoldfastError('USAGE', '--row, --document and --query exclude each other');
};

/** Into a folder goes whatever is left of a snapshot; a database is nothing without what its definitions speak of. */
const goingOn = (target: SourceConfig, lost: Failure[]): Pick<ReadOptions, 'onDamaged'> =>
  isFolder(target) ? { onDamaged: (path, error) => lost.push({ path, error }) } : {};

/** With the paths of the files that hold the documents asked for. */
const withDocuments = async (
  { repository, snapshot, target, wanted, documents = [] }: RestoreRequest,
  signal: AbortSignal,
): Promise<RestoreRequest['wanted']> => {
  if (documents.length === 0) return wanted;
  if (isFolder(target))
    throw new HoldfastError('USAGE', 'a document cannot be restored into a folder', {
      hint: '`holdfast dump --document` writes it to a file',
    });
  const paths = await recordPlaces(repository, snapshot, { keys: documents, paths: wanted.paths, signal });
  return { ...wanted, paths };
};

const renamesOf = async (
  { repository, snapshot, target, rename, as }: RestoreRequest,
  { tables, selects }: Selection,
  signal: AbortSignal,
): Promise<Renames> => {
  if (as === undefined && rename.length === 0) return rename;
  const databases =
    tables.length > 0
      ? []
      : (await manifestsOf(repository, snapshot, signal))
          .filter(({ folder }) => selects(folder, 'dir'))
          .map(({ manifest }) => manifest.database);
  const renames =
    as === undefined ? rename : [...rename, renameTo(as, tables.length > 0 ? tables : databases)];
  for (const [from, to] of renames) if (databases.includes(from)) assertNamedOnce(target, to);
  return renames;
};

const renameTo = (as: string, [name, ...otherNames]: readonly string[]): Renames[number] => {
  if (name !== undefined && otherNames.length === 0) return [name, as];
  throw new HoldfastError('USAGE', `--as ${as}: it is not clear what is to have this name`, {
    hint: 'say --rename from=to',
  });
};

/** A new name and the target's URL that names another database would leave it open which of the two is written to. */
const assertNamedOnce = (target: SourceConfig, name: string): void => {
  const { url } = target.toJSON();
  const [, path = ''] = /^[a-z]+:\/\/[^/?#]*\/([^?#]*)/i.exec(String(url)) ?? [];
  const named = decodeURIComponent(path);
  if (named === '' || named === name) return;
  throw new HoldfastError('USAGE', `the target is the database ${named}, and is to be called ${name}`, {
    hint: 'say one of them: the name in the URL, or a URL without one and --as or --rename',
  });
};

const isWhole = ({ paths, tables, matches }: RestoreRequest['wanted']): boolean =>
  paths.length + tables.length === 0 && matches === undefined;

const isFolder = (target: SourceConfig): boolean => target.kind === 'files';

const requireFit = (snapshot: Snapshot, target: SourceConfig): void => {
  const kind = tagOf(snapshot, 'kind');
  if (isFolder(target) || kind === target.kind) return;
  throw new HoldfastError(
    'USAGE',
    `snapshot ${shortId(snapshot.id)} is of kind ${kind ?? 'files'} and cannot go into ${target.kind}`,
    { hint: 'restore it into a folder, or name a target of its own kind by a URL' },
  );
};

/** `include` is asked with paths as the source knows them; selections are made with those of the snapshot. */
const withRoot =
  (root: string, selects: Selects): Selects =>
  (path, type) =>
    selects(path === '' ? root : `${root}/${path}`, type);
