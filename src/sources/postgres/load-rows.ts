// Rows of a backup into the tables of a database, counted on both sides.
import { HoldfastError } from '#lib/errors.ts';
import { damagedSnapshot, rowsWithoutTable } from '../damaged-snapshot.ts';
import type { Manifest } from '../manifest.ts';
import type { Reporter } from '../restore-report.ts';
import type { Connection } from './connect.ts';
import type { Contents, ContentsTable } from './contents.ts';
import type { CopiedIn } from './copy-in.ts';
import type { RowsEntry } from './entry-stream.ts';
import { plainName, type QualifiedName, quoteName } from './identifiers.ts';
import { largeObjectLoad, largeObjectsName, otherOwnersSql } from './large-objects.ts';
import { largeObjectDefinitionsPath, largeObjectPath, rangeFile, tablePath } from './layout.ts';
import { copyInSql } from './ranges.ts';
import { searchPathFor, searchPathSql, takerOf } from './row-places.ts';
import { isServerError, type ServerError, serverMessage, sqlState, state } from './server-error.ts';

/** What came of each file, by its path within the database's folder. */
export type Loaded = Map<string, CopiedIn>;

export interface RowLoader {
  readonly contents: Contents;
  readonly reporter: Reporter;
  readonly loaded: Loaded;
  /** Tables that refer to others whose rows may come later. */
  readonly early?: ReadonlySet<string>;
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
    const { group } = place;
    const file = group === 'definitions' ? largeObjectDefinitionsPath : largeObjectPath(group);
    loader.loaded.set(file, await loadLargeObjects(loader, connection, group, counted));
    return;
  }
  const table = tableOf(loader.contents, place.table);
  const copy = copyInSql(quoteName(target ?? takerOf(table)), table.columns, loader.contents.encoding);
  const searchPath = searchPathSql(searchPathFor(loader.contents, table));
  try {
    // At once: distant servers have one answer to wait for, and not three.
    const [before, after] = loader.early?.has(plainName(table)) ? uncheckedKeys : ['', ''];
    const copied = await connection.copyIn(
      `${searchPath} ${before} ${copy}; ${after} ${searchPathSql('')}`,
      counted,
    );
    loader.loaded.set(`${tablePath(table)}/${rangeFile(place.range)}`, copied);
  } catch (error) {
    throw loadError(error, `rows of ${plainName(table)}`, (refusal) => hintFor(refusal, table, target));
  }
};

/** TARGET_FAILED for what the server says; anything else, such as a lost connection, as it is. */
const loadError = (error: unknown, what: string, hint: (refusal: ServerError) => string): unknown =>
  isServerError(error)
    ? new HoldfastError('TARGET_FAILED', `${what} could not be restored: ${serverMessage(error)}`, {
        hint: hint(error),
        cause: error,
      })
    : error;

const uncheckedKeys = [
  'set session_replication_role = replica;',
  'set session_replication_role = origin;',
] as const;

/** Of a table that is there, also a check that was made NOT VALID looks at every row that comes. */
const hintFor = (error: Error, table: QualifiedName, target: QualifiedName | undefined): string =>
  target === table && sqlState(error) === state.checkViolation && 'constraint' in error && error.constraint
    ? 'the check of that name refuses rows of the backup: drop it first, and make it again NOT VALID, or restore beside the table with --as'
    : 'the server’s message says which row; the backup itself is whole';

export const tableOf = ({ tables }: Contents, wanted: QualifiedName): ContentsTable => {
  const table = tables.find(({ schema, name }) => schema === wanted.schema && name === wanted.name);
  if (table) return table;
  throw rowsWithoutTable(plainName(wanted));
};

const loadLargeObjects = async (
  { reporter, contents }: RowLoader,
  connection: Connection,
  group: number | 'definitions',
  content: () => AsyncGenerator<Uint8Array>,
): Promise<CopiedIn> => {
  const { table, create, use } =
    group === 'definitions' ? largeObjectLoad.definitions : largeObjectLoad.bytes;
  await connection.query(`begin; ${create}`);
  try {
    const copied = await connection.copyIn(copyInSql(table, [], contents.encoding), content);
    await connection.query(use);
    const [others] = group === 'definitions' ? await connection.query<{ count: number }>(otherOwnersSql) : [];
    if (others && others.count > 0)
      reporter.warn(
        `${others.count} large objects stay with the restoring role, and without their privileges`,
      );
    await connection.query(`drop table ${table}; commit`);
    return copied;
  } catch (error) {
    if (connection.usable) await connection.query('rollback');
    throw loadError(error, largeObjectsName, () => 'the backup itself is whole');
  }
};

/** Compares what was loaded with what was captured; TARGET_FAILED for the first difference, which nothing but damage explains. */
export const assertComplete = (
  { contents, loaded, reporter }: RowLoader,
  manifest: Manifest,
  isWanted: (table: QualifiedName) => boolean,
  wantsLargeObjects: boolean,
): void => {
  const missing = new Map(manifest.missing.map(({ name, reason }) => [name, reason]));
  for (const [name, reason] of missing) reporter.warn(`${name} is not whole in the snapshot: ${reason}`);
  for (const table of contents.tables.filter(isWanted))
    for (let index = 0; index < table.files; index += 1) {
      const path = `${tablePath(table)}/${rangeFile(index)}`;
      if (!loaded.has(path) && !missing.has(plainName(table))) throw absent(path);
    }
  const objects = contents.largeObjects.map(largeObjectPath);
  for (const path of objects.length > 0 && wantsLargeObjects ? [largeObjectDefinitionsPath, ...objects] : [])
    if (!loaded.has(path) && !missing.has(largeObjectsName)) throw absent(path);
  for (const { name, entries, rows, bytes } of manifest.tables) {
    const parts = entries.map((entry) => loaded.get(entry));
    if (parts.some((part) => part === undefined)) continue; // not wanted, or refused above
    const sum = (key: keyof CopiedIn): number => parts.reduce((total, part) => total + (part?.[key] ?? 0), 0);
    if (sum('rows') === rows && sum('bytes') === bytes) continue;
    throw damagedSnapshot(
      `${name} was captured with ${rows} rows in ${bytes} bytes and restored with ${sum('rows')} in ${sum('bytes')}`,
    );
  }
};

const absent = (path: string): HoldfastError => damagedSnapshot(`the snapshot lacks ${path}`);
