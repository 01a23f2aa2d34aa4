// Rows of a backup into the tables of a database, counted on both sides.
import { HoldfastError } from '#lib/errors.ts';
import type { Manifest } from '../manifest.ts';
import type { Reporter } from '../restore-report.ts';
import type { Content } from '../source.ts';
import type { Connection } from './connect.ts';
import type { Contents, ContentsTable } from './contents.ts';
import type { RowsEntry } from './entry-stream.ts';
import { plainName, quoteIdentifier } from './identifiers.ts';
import { insertRows } from './insert-rows.ts';
import { rowsPath } from './layout.ts';
import { fileLiteral, loadSql } from './load-data.ts';
import { isInfileOff, ServerError } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';

/** What came of a table's file. */
export interface LoadedRows {
  readonly rows: number;
  readonly bytes: number;
}

export interface RowLoader {
  readonly contents: Contents;
  /** Tables whose values may be very long. */
  readonly long: ReadonlySet<string>;
  readonly reporter: Reporter;
  /** By table. */
  readonly loaded: Map<string, LoadedRows>;
}

export const createLoader = (
  contents: Contents,
  definitions: readonly SqlItem[],
  reporter: Reporter,
): RowLoader => ({
  contents,
  long: new Set(definitions.filter(({ statement }) => longType.test(statement)).map(({ name }) => name)),
  reporter,
  loaded: new Map(),
});

const longType = / (?:medium|long)(?:blob|text)\b| json\b/;

/** Loads one file into the table of its name in the connection's database. */
export const loadRows = async (
  { contents, long, reporter, loaded }: RowLoader,
  connection: Connection,
  { path, place, content }: RowsEntry,
): Promise<void> => {
  const table = tableOf(contents, place.table);
  try {
    // MariaDB then gathers all rows before it inserts them, which is fast, and comes to a halt at a value longer than its redo log.
    await connection.run(`set unique_checks = ${long.has(table.name) ? 1 : 0}`);
    loaded.set(table.name, await loadTable(connection, table, reporter.counted(path, content)));
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw refused(plainName(contents.database, table.name), error.message, error);
  }
};

const refused = (table: string, why: string, cause?: unknown): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `rows of ${table} could not be restored: ${why}`, {
    hint: 'the server’s message says which row; the backup itself is whole',
    cause,
  });

/** By INSERT where the server takes no LOAD DATA LOCAL; which of them it is, it says before it has read anything. */
const loadTable = async (
  connection: Connection,
  table: ContentsTable,
  content: () => Content,
): Promise<LoadedRows> => {
  const sql = loadSql(fileLiteral(rowsPath(table.name)), quoteIdentifier(table.name), table.columns);
  try {
    const { info, bytes, warnings } = await connection.load(sql, content);
    const [, records, , skipped] = /Records: (\d+)\s+Deleted: (\d+)\s+Skipped: (\d+)/.exec(info) ?? [];
    if (warnings > 0) await failByWarning(connection, table.name);
    if (skipped !== '0') throw refused(table.name, `${skipped ?? 'some'} rows were left out as doubled`);
    return { rows: Number(records), bytes };
  } catch (error) {
    if (isInfileOff(error)) return await insertRows(connection, table, content);
    throw error;
  }
};

/** What the server calls a warning when it comes by LOAD DATA LOCAL: a value that does not fit. */
const failByWarning = async (connection: Connection, table: string): Promise<never> => {
  const [warning] = await connection.query<{ Message: string }>('show warnings limit 1');
  throw refused(table, warning?.Message ?? 'the server does not say why');
};

export const tableOf = ({ tables }: Contents, name: string): ContentsTable => {
  const table = tables.find((each) => each.name === name);
  if (table) return table;
  throw new HoldfastError('TARGET_FAILED', `the snapshot has rows of ${name}, but not the table`, {
    hint: 'the snapshot is not as holdfast made it; check the repository',
  });
};

/** Compares what was loaded with what was captured; TARGET_FAILED for the first difference, which nothing but damage explains. */
export const assertComplete = (
  { contents, loaded, reporter }: RowLoader,
  manifest: Manifest,
  isWanted: (table: string) => boolean,
): void => {
  const missing = new Map(manifest.missing.map(({ name, reason }) => [name, reason]));
  for (const [name, reason] of missing) reporter.warn(`${name} is not in the snapshot: ${reason}`);
  const counts = new Map(manifest.tables.map((table) => [table.name, table]));
  for (const { name, rows } of contents.tables) {
    if (!rows || !isWanted(name)) continue;
    const label = plainName(contents.database, name);
    const captured = counts.get(label);
    const restored = loaded.get(name);
    if (!captured && missing.has(label)) continue;
    if (!captured || !restored)
      throw new HoldfastError('TARGET_FAILED', `the snapshot lacks the rows of ${label}`, {
        hint: 'verify the snapshot, and restore from another one',
      });
    if (restored.rows !== captured.rows || restored.bytes !== captured.bytes)
      throw new HoldfastError(
        'TARGET_FAILED',
        `${label} was captured with ${captured.rows} rows in ${captured.bytes} bytes and restored with ${restored.rows} in ${restored.bytes}`,
        { hint: 'verify the snapshot, and restore from another one' },
      );
  }
};
