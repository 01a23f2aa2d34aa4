// What a query sees of a snapshot: tables, which are read when a query needs them.
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SqlColumn, SqlValue } from '#sources/table-reader.ts';
import type { JobContext } from '../job-context.ts';
import { tableRowsOf } from '../rows/table-rows.ts';

export interface Askable {
  /** PATH_UNKNOWN where there is none of that name, USAGE where there are several, ITEM_UNREADABLE for one that was not captured. */
  named(name: string): Promise<AskableTable>;
  tables(): AsyncIterable<ListedTable>;
  /** Those that the backup could not capture. */
  readonly missing: readonly MissingTable[];
}

export interface MissingTable extends Pick<ListedTable, 'database' | 'name'> {
  readonly reason: string;
}

export interface AskableTable {
  /** No other table of the snapshot has it. */
  readonly id: string;
  readonly columns: readonly SqlColumn[];
  /** Any field of its documents is a column, although it is not among those. */
  readonly hasAnyColumn?: boolean;
  /** See TableReader. */
  readonly ownFields?: readonly string[];
  /** The snapshot does not say what types its columns have: all values are texts. */
  readonly isUntyped?: boolean;
  /** Hands over these columns' values of one row after the other. REPOSITORY_DAMAGED for rows that are not all there. */
  read(columns: readonly string[], onRow: (values: SqlValue[]) => void): Promise<void>;
}

export interface ListedTable {
  /** The folder of its database, as the snapshot has it. */
  readonly database: string;
  readonly name: string;
  /** Undefined where nobody has counted. */
  readonly rows: number | undefined;
  readonly columns: readonly SqlColumn[];
}

export type AskContext = Pick<JobContext, 'signal' | 'onEvent'>;

/** The tables of its databases, or the list of its files. */
export const askable = async (
  repository: Repository,
  snapshot: Snapshot,
  context: AskContext,
): Promise<Askable> => {
  const rows = await tableRowsOf(repository, snapshot, context);
  if (!rows) return (await import('./file-table.ts')).fileTable(repository, snapshot, context);
  const { databaseTables } = await import('./database-tables.ts');
  return await databaseTables(repository, snapshot, rows, context.signal);
};
