// What changed between two snapshots of databases, row by row.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { RowShape } from '#sources/table-reader.ts';
import type { JobContext } from '../job-context.ts';
import { knownManifestsOf } from '../manifests.ts';
import { isOfPartialBackup, tagOf } from '../snapshot-choice.ts';
import { pairRows, type RowChange } from './pair-rows.ts';
import { pairTables, type SnapshotTables, type TablePair, type TableSide } from './pair-tables.ts';
import { type TableRows, tableRowsOf } from './table-rows.ts';
import { type Sides, type Unmatched, unmatchedRows } from './unmatched.ts';
import { unsharedFiles } from './unshared-files.ts';

interface InTable {
  /** The folder of its database, as the snapshot has it. */
  readonly database: string;
  readonly table: string;
}

export type RowDifference =
  | (InTable & { readonly type: 'row'; readonly row: RowChange })
  | TableDifference
  /** What changed in this table cannot be known. */
  | (InTable & { readonly type: 'uncompared'; readonly error: Error });

/** Of every table, after its rows. */
export interface TableDifference extends InTable {
  readonly type: 'table';
  /** How many rows each side has; undefined where there is no such table. */
  readonly rows: Sides<number | undefined>;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** False when they are too many to be named; those that changed then count as removed and added. */
  readonly listed: boolean;
}

export interface RowDiffOptions extends Pick<JobContext, 'signal' | 'onEvent'> {
  /** Names of tables; all when there are none. */
  readonly tables: readonly string[];
}

/** USAGE for snapshots that have no rows, or are of two kinds. */
export async function* diffRows(
  repository: Repository,
  snapshots: Sides<Snapshot>,
  options: RowDiffOptions,
): AsyncGenerator<RowDifference> {
  const { signal } = options;
  const rows = await rowsOf(repository, snapshots, options);
  const tablesOf = async (snapshot: Snapshot): Promise<SnapshotTables> => ({
    snapshot,
    databases: await knownManifestsOf(repository, snapshot, signal),
  });
  const both = [await tablesOf(snapshots[0]), await tablesOf(snapshots[1])] as const;
  const comparison = new Comparison(repository, rows, signal);
  for (const pair of pairTables(both, options.tables))
    try {
      yield* comparison.of(pair);
    } catch (error) {
      if (!hasCode(error, 'REPOSITORY_DAMAGED', 'ITEM_UNREADABLE')) throw error;
      yield { type: 'uncompared', database: pair.database, table: pair.name, error };
    }
}

const rowsOf = async (
  repository: Repository,
  [before, after]: Sides<Snapshot>,
  options: RowDiffOptions,
): Promise<TableRows> => {
  const kinds = [before, after].map((snapshot) => tagOf(snapshot, 'kind') ?? 'files');
  if ([before, after].some(isOfPartialBackup))
    throw new HoldfastError('USAGE', 'snapshots of partial backups hold changes, and no state to compare', {
      hint: 'name two complete ones; `holdfast find --row` tells what a row was in each',
    });
  const rows = await tableRowsOf(repository, before, options);
  if (rows && kinds[0] === kinds[1]) return rows;
  throw new HoldfastError(
    'USAGE',
    `rows cannot be compared: ${shortId(before.id)} is of kind ${kinds[0]}, ${shortId(after.id)} of kind ${kinds[1]}`,
    { hint: rows ? 'name two snapshots of one kind' : 'leave out --rows, to compare files' },
  );
};

class Comparison {
  readonly #repository: Repository;
  readonly #rows: TableRows;
  readonly #signal: AbortSignal;

  constructor(repository: Repository, rows: TableRows, signal: AbortSignal) {
    this.#repository = repository;
    this.#rows = rows;
    this.#signal = signal;
  }

  async *of({ database, name, sides }: TablePair): AsyncGenerator<RowDifference> {
    const inTable = { database, table: name };
    for (const { missing, snapshot } of sides)
      if (missing !== undefined)
        return yield {
          ...inTable,
          type: 'uncompared',
          error: new HoldfastError('ITEM_UNREADABLE', `not in snapshot ${shortId(snapshot.id)}: ${missing}`),
        };
    const rows = [sides[0].table?.rows, sides[1].table?.rows] as const;
    const table = {
      ...inTable,
      type: 'table',
      rows,
      added: 0,
      removed: 0,
      changed: 0,
      listed: true,
    } as const;
    if (rows.includes(undefined) || isSame(sides)) return yield table;
    const unmatched = await this.#unmatched(sides);
    const [removed, added] = unmatched.counts;
    if (!unmatched.rows) return yield { ...table, removed, added, listed: false };
    let changed = 0;
    for (const row of pairRows(unmatched.rows, await this.#shapes(name, sides))) {
      if (row.change === 'changed') changed += 1;
      yield { ...inTable, type: 'row', row };
    }
    yield { ...table, removed: removed - changed, added: added - changed, changed };
  }

  async #unmatched(sides: Sides<TableSide>): Promise<Unmatched> {
    const [older, newer] = await unsharedFiles(this.#repository, sides, this.#signal);
    const read = ({ snapshot }: TableSide, paths: readonly string[]) => this.#rows.read(snapshot, paths);
    return await unmatchedRows([() => read(sides[0], older), () => read(sides[1], newer)]);
  }

  async #shapes(table: string, [before, after]: Sides<TableSide>): Promise<Sides<RowShape>> {
    const shapeOf = ({ snapshot, folder }: TableSide) => this.#rows.shapeOf(snapshot, folder, table);
    return [await shapeOf(before), await shapeOf(after)];
  }
}

const isSame = ([before, after]: Sides<TableSide>): boolean =>
  before.table?.rows === after.table?.rows &&
  before.table?.bytes === after.table?.bytes &&
  before.table?.checksum === after.table?.checksum;
