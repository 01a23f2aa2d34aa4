// A snapshot with a few rows of its tables in the place of all, for a restore: files and manifests are as if it had no others.
import { HoldfastError } from '#lib/errors.ts';
import { formatBytes, shortId } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type Manifest, type ManifestTable, manifestName } from '#sources/manifest.ts';
import type { Entry } from '#sources/source.ts';
import type { JobContext } from '../job-context.ts';
import { entriesOf, type FoundManifest, manifestsOf } from '../manifests.ts';
import type { Selects } from '../selection.ts';
import { tagOf } from '../snapshot-choice.ts';
import { type ColumnValues, fitting } from './fitting.ts';
import { type TableRows, tableRowsOf } from './table-rows.ts';

/** More than this is no few rows. */
const mostBytes = 64 * 1024 * 1024;

export interface OnlyRowsRequest {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  /** Which tables, by the paths of their files. */
  readonly selects: Selects;
  readonly values: ColumnValues;
}

/** The rows that fit, in the place of all. */
export interface OnlyRows {
  readonly count: number;
  /** How large they make a file of the snapshot; undefined for one that stays as it is. */
  sizeOf(path: string): number | undefined;
  /** Makes of the snapshot's entries, with paths as the source knows them, those with these rows. */
  among(entries: AsyncIterable<Entry>): AsyncGenerator<Entry>;
}

/** PATH_UNKNOWN when no row fits, USAGE for a kind without such rows, and for rows that are too many. */
export const onlyRows = async (
  request: OnlyRowsRequest,
  context: Pick<JobContext, 'signal' | 'onEvent'>,
): Promise<OnlyRows> => {
  const { repository, snapshot } = request;
  const rows = await tableRowsOf(repository, snapshot, context);
  if (!rows?.reader.isPlain)
    throw new HoldfastError(
      'USAGE',
      `a snapshot of kind ${tagOf(snapshot, 'kind') ?? 'files'} has no rows to choose from`,
      { hint: 'documents are chosen with --document' },
    );
  const contents = new Map<string, Buffer>();
  const columns = new Set<string>();
  let found = 0;
  for (const database of await manifestsOf(repository, snapshot, context.signal)) {
    const chosen = await chosenIn(database, request, { rows, columns });
    for (const [path, content] of chosen.contents) contents.set(path, content);
    found += chosen.rows;
  }
  if (found === 0) throw noSuchRow(request, columns);
  return {
    count: found,
    sizeOf: (path) => contents.get(path)?.length,
    among: (entries) => replaced(entries, tagOf(snapshot, 'source') ?? '', contents),
  };
};

/** What is in the files of the tables, and in the manifest that tells of them, when all other rows are left out. */
const chosenIn = async (
  database: FoundManifest,
  { snapshot, selects, values }: OnlyRowsRequest,
  { rows, columns }: { readonly rows: TableRows; readonly columns: Set<string> },
): Promise<{ readonly contents: ReadonlyMap<string, Buffer>; readonly rows: number }> => {
  const { folder, manifest } = database;
  const contents = new Map<string, Buffer>();
  const counted: ManifestTable[] = [];
  let [found, bytes] = [0, 0];
  for (const table of manifest.tables) {
    const paths = entriesOf(database, table).filter((path) => selects(path, 'file'));
    if (paths.length === 0) {
      counted.push(table);
      continue;
    }
    const shape = await rows.shapeOf(snapshot, folder, table.name);
    for (const { name } of shape.columns) columns.add(name);
    const fits = fitting(values, rows.reader, shape);
    const counter = createRowCounter(table.format);
    for (const path of paths) {
      const content = await linesThat(fits, rows.read(snapshot, [path]), mostBytes - bytes);
      if (content === 'too many') throw tooMany(table.name);
      bytes += content.length;
      contents.set(path, content);
      counter.update(content);
    }
    const count = counter.finish();
    found += count.rows;
    counted.push({ ...table, ...count });
  }
  const told: Manifest = { ...manifest, tables: counted };
  contents.set(`${folder}/${manifestName}`, Buffer.from(JSON.stringify(told)));
  return { contents, rows: found };
};

/** The rows that fit, each with its line break. */
const linesThat = async (
  fits: (row: Uint8Array) => unknown,
  batches: AsyncIterable<readonly Uint8Array[]>,
  spareBytes: number,
): Promise<Buffer | 'too many'> => {
  const lines: Buffer[] = [];
  let bytes = 0;
  for await (const batch of batches)
    for (const row of batch.filter(fits)) {
      lines.push(Buffer.from(row), newline);
      bytes += row.length + newline.length;
      if (bytes > spareBytes) return 'too many';
    }
  return Buffer.concat(lines, bytes);
};

const newline = Buffer.from('\n');

const noSuchRow = ({ snapshot, values }: OnlyRowsRequest, columns: ReadonlySet<string>): HoldfastError => {
  const mistyped = [...values.keys()].find((column) => columns.size > 0 && !columns.has(column));
  const where = `snapshot ${shortId(snapshot.id)}`;
  return mistyped === undefined
    ? new HoldfastError('PATH_UNKNOWN', `${where} has no such row`, {
        hint: '`holdfast find --table … --row …` looks in all snapshots',
      })
    : new HoldfastError(
        'PATH_UNKNOWN',
        `the table has no column "${mistyped}" in ${where}${didYouMean(mistyped, columns)}`,
        { hint: `its columns: ${[...columns].join(', ')}` },
      );
};

const tooMany = (table: string): HoldfastError =>
  new HoldfastError('USAGE', `more than ${formatBytes(mostBytes)} of rows of ${table} are so`, {
    hint: 'restore the table, and choose among its rows there',
  });

async function* replaced(
  entries: AsyncIterable<Entry>,
  root: string,
  contents: ReadonlyMap<string, Buffer>,
): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    const content = contents.get(`${root}/${entry.path}`);
    yield content
      ? { ...entry, meta: { ...entry.meta, size: content.length }, content: () => [content] }
      : entry;
  }
}
