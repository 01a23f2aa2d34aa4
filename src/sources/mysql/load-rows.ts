// Rows of a backup into the tables of a database, counted on both sides.
import { HoldfastError } from '#lib/errors.ts';
import { damagedSnapshot, rowsWithoutTable } from '../damaged-snapshot.ts';
import type { Manifest } from '../manifest.ts';
import type { Pool } from '../pool.ts';
import type { Reporter } from '../restore-report.ts';
import type { Content } from '../source.ts';
import type { Connection } from './connect.ts';
import type { Contents, ContentsTable } from './contents.ts';
import type { RowsEntry } from './entry-stream.ts';
import { plainName, quoteIdentifier } from './identifiers.ts';
import { insertRows } from './insert-rows.ts';
import { type FileColumn, fileColumns, fileLiteral, loadSql } from './load-data.ts';
import { firstWarning } from './load-mode.ts';
import { readBack } from './read-back.ts';
import type { Restoring } from './restore.ts';
import { isInfileOff, ServerError } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';

/** What came of a table's files. */
export interface LoadedRows {
  readonly rows: number;
  readonly bytes: number;
  /** What the server said of the first value that it may have changed. */
  readonly warning?: ServerError | undefined;
}

export interface RowLoader {
  readonly contents: Contents;
  /** Tables whose values may be very long. */
  readonly long: ReadonlySet<string>;
  readonly reporter: Reporter;
  readonly takesHistory: boolean;
  /** By table; its files are loaded one after the other, since the first of them may lock an empty table. */
  readonly loaded: Map<string, Promise<LoadedRows>>;
}

export const createLoader = (
  contents: Contents,
  definitions: readonly SqlItem[],
  { reporter, target }: Pick<Restoring, 'reporter' | 'target'>,
): RowLoader => ({
  contents,
  long: new Set(definitions.filter(({ statement }) => longType.test(statement)).map(({ name }) => name)),
  reporter,
  takesHistory: target.takesHistory,
  loaded: new Map(),
});

const longType = / (?:medium|long)(?:blob|text)\b| json\b/;

/** Loads one file into the table of its name in the connection's database. */
export const loadRows = async (
  loader: RowLoader,
  connection: Connection,
  entry: RowsEntry,
): Promise<void> => {
  const { contents, loaded } = loader;
  const table = tableOf(contents, entry.place.table);
  const before = loaded.get(table.name);
  const work = async (): Promise<LoadedRows> => {
    const earlier: LoadedRows = (await before) ?? { rows: 0, bytes: 0 };
    try {
      const { rows, bytes, warning } = await loadFile(loader, connection, table, entry);
      return {
        rows: earlier.rows + rows,
        bytes: earlier.bytes + bytes,
        warning: earlier.warning ?? warning,
      };
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      throw refused(plainName(contents.database, table.name), error);
    }
  };
  const done = work();
  loaded.set(table.name, done);
  await done;
};

const loadFile = async (
  { contents, long, reporter, takesHistory }: RowLoader,
  connection: Connection,
  table: ContentsTable,
  { path, place, content }: RowsEntry,
): Promise<LoadedRows> => {
  const counted = reporter.counted(path, content);
  if (place.part === 'history' && !takesHistory) {
    reporter.warn(
      `the history of ${plainName(contents.database, table.name)} was left out: only MariaDB 10.11 and newer take it, from users who may set the time (secure_timestamp)`,
    );
    return await countRows(counted());
  }
  // MariaDB then gathers all rows before it inserts them, which is fast, and comes to a halt at a value longer than its redo log.
  await connection.run(`set unique_checks = ${long.has(table.name) ? 1 : 0}`);
  const columns = fileColumns(table, place.part, takesHistory ? undefined : 'never');
  return await loadTable(connection, table.name, path, columns, counted);
};

/** What is left out is counted as if it were loaded: it was read as it was captured. */
const countRows = async (content: AsyncIterable<Uint8Array>): Promise<LoadedRows> => {
  let rows = 0;
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === newline) rows += 1;
  }
  return { rows, bytes };
};

const newline = '\n'.charCodeAt(0);

const refused = (table: string, cause: ServerError): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `rows of ${table} could not be restored: ${cause.message}`, {
    hint: 'the server’s message says which row; the backup itself is whole',
    cause,
  });

/** By INSERT where the server takes no LOAD DATA LOCAL; which of them it is, it says before it has read anything. */
const loadTable = async (
  connection: Connection,
  table: string,
  path: string,
  columns: readonly FileColumn[],
  content: () => Content,
): Promise<LoadedRows> => {
  const sql = loadSql(fileLiteral(path), quoteIdentifier(table), columns);
  try {
    const { info, bytes, warnings } = await connection.load(sql, content);
    const [, records, , skipped] = /Records: (\d+)\s+Deleted: (\d+)\s+Skipped: (\d+)/.exec(info) ?? [];
    const warning = warnings > 0 || skipped !== '0' ? await firstWarning(connection) : undefined;
    if (warning && skipped !== '0') throw warning;
    return { rows: Number(records), bytes, warning };
  } catch (error) {
    if (isInfileOff(error)) return await insertRows(connection, table, columns, content);
    throw error;
  }
};

export const tableOf = ({ tables }: Contents, name: string): ContentsTable => {
  const table = tables.find((each) => each.name === name);
  if (table) return table;
  throw rowsWithoutTable(name);
};

interface Comparison {
  readonly manifest: Manifest;
  isWanted(table: string): boolean;
  leaveOut(table: string, error: HoldfastError): Promise<void>;
}

/**
 * Compares what was loaded with what was captured; TARGET_FAILED for the first difference, which nothing but damage explains. What the
 * server warned of may still be as it was: '' for an ENUM without that value, or a generated column that fits no longer; so it is
 * read again, and handed to `leaveOut` if it is not.
 */
export const assertComplete = async (
  { contents, loaded, reporter, takesHistory }: RowLoader,
  pool: Pool<Connection>,
  { manifest, isWanted, leaveOut }: Comparison,
): Promise<void> => {
  const missing = new Map(manifest.missing.map(({ name, reason }) => [name, reason]));
  for (const [name, reason] of missing) reporter.warn(`${name} is not in the snapshot: ${reason}`);
  const counts = new Map(manifest.tables.map((table) => [table.name, table]));
  for (const table of contents.tables) {
    const { name, rows } = table;
    if (!rows || !isWanted(name)) continue;
    const label = plainName(contents.database, name);
    const captured = counts.get(label);
    const restored = await loaded.get(name);
    if (!captured && missing.has(label)) continue;
    if (!captured || !restored) throw damagedSnapshot(`the snapshot lacks the rows of ${label}`);
    if (restored.bytes === captured.bytes && restored.warning) {
      const found = await pool.use((connection) => readBack(connection, table, takesHistory));
      if (found.checksum !== captured.checksum || found.rows !== captured.rows)
        await leaveOut(name, refused(label, restored.warning));
    } else if (restored.rows !== captured.rows || restored.bytes !== captured.bytes)
      throw damagedSnapshot(
        `${label} was captured with ${captured.rows} rows in ${captured.bytes} bytes and restored with ${restored.rows} in ${restored.bytes}`,
      );
  }
};
