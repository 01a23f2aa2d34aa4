// Rows of a backup into the tables of a database, counted on both sides.
import { HoldfastError } from '#lib/errors.ts';
import type { Manifest } from '../manifest.ts';
import type { Connection } from './connect.ts';
import type { Contents, ContentsTable } from './contents.ts';
import type { CopiedIn } from './copy-in.ts';
import type { RowsEntry } from './entry-stream.ts';
import { plainName, type QualifiedName, quoteName } from './identifiers.ts';
import { largeObjectLoad } from './large-objects.ts';
import { largeObjectPath, rangeFile, tablePath } from './layout.ts';
import { copyInSql } from './ranges.ts';
import type { Reporter } from './restore-report.ts';
import { isServerError, serverMessage } from './server-error.ts';

/** What came of each file, by its path within the database's folder. */
export type Loaded = Map<string, CopiedIn>;

export interface RowLoader {
  readonly contents: Contents;
  readonly reporter: Reporter;
  readonly loaded: Loaded;
}

/** Loads one file; `target` is another name for its table. */
export const loadRows = async (
  loader: RowLoader,
  connection: Connection,
  { path, place, content }: RowsEntry,
  target?: QualifiedName,
): Promise<void> => {
  const counted = loader.reporter.counted(path, content);
  if (place.kind === 'large-objects') {
    loader.loaded.set(largeObjectPath(place.group), await loadLargeObjects(connection, counted));
    return;
  }
  const table = tableOf(loader.contents, place.table);
  const sql = copyInSql(quoteName(target ?? table), table.columns, loader.contents.encoding);
  try {
    const copied = await connection.copyIn(sql, counted);
    loader.loaded.set(`${tablePath(table)}/${rangeFile(place.range)}`, copied);
  } catch (error) {
    if (!isServerError(error)) throw error;
    throw new HoldfastError(
      'TARGET_FAILED',
      `rows of ${plainName(table)} could not be restored: ${serverMessage(error)}`,
      {
        hint: 'the server’s message says which row; the backup itself is whole',
        cause: error,
      },
    );
  }
};

export const tableOf = ({ tables }: Contents, wanted: QualifiedName): ContentsTable => {
  const table = tables.find(({ schema, name }) => schema === wanted.schema && name === wanted.name);
  if (table) return table;
  throw new HoldfastError(
    'TARGET_FAILED',
    `the snapshot has rows of ${plainName(wanted)}, but not the table`,
    {
      hint: 'the snapshot is not as holdfast made it; check the repository',
    },
  );
};

const loadLargeObjects = async (
  connection: Connection,
  content: () => AsyncGenerator<Uint8Array>,
): Promise<CopiedIn> => {
  const { create, copy, put } = largeObjectLoad;
  await connection.query(`begin; ${create.replace(');', ') on commit drop;')}`);
  try {
    const copied = await connection.copyIn(copy, content);
    await connection.query(`${put} commit`);
    return copied;
  } catch (error) {
    if (connection.usable) await connection.query('rollback');
    throw error;
  }
};

/** Compares what was loaded with what was captured; TARGET_FAILED for the first difference, which nothing but damage explains. */
export const assertComplete = (
  { contents, loaded, reporter }: RowLoader,
  manifest: Manifest,
  isWanted: (table: QualifiedName) => boolean,
): void => {
  const missing = new Map(manifest.missing.map(({ name, reason }) => [name, reason]));
  for (const [name, reason] of missing) reporter.warn(`${name} is not whole in the snapshot: ${reason}`);
  for (const table of contents.tables.filter(isWanted))
    for (let index = 0; index < table.files; index += 1) {
      const path = `${tablePath(table)}/${rangeFile(index)}`;
      if (!loaded.has(path) && !missing.has(plainName(table))) throw absent(path);
    }
  for (const { name, entries, rows, bytes } of manifest.tables) {
    const parts = entries.map((entry) => loaded.get(entry));
    if (parts.some((part) => part === undefined)) continue; // not wanted, or refused above
    const sum = (key: keyof CopiedIn): number => parts.reduce((total, part) => total + (part?.[key] ?? 0), 0);
    if (sum('rows') === rows && sum('bytes') === bytes) continue;
    throw new HoldfastError(
      'TARGET_FAILED',
      `${name} was captured with ${rows} rows in ${bytes} bytes and restored with ${sum('rows')} in ${sum('bytes')}`,
      { hint: 'verify the snapshot, and restore from another one' },
    );
  }
};

const absent = (path: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `the snapshot lacks ${path}`, {
    hint: 'verify the snapshot, and restore from another one',
  });
