// What changed between two snapshots of databases, row by row.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { tableReaderOf } from '#sources/registry.ts';
import type { TableReader } from '#sources/table-reader.ts';
import type { JobContext } from '../job-context.ts';
import { manifestsOf } from '../manifests.ts';
import { originOf, tagOf } from '../snapshot-choice.ts';
import { pairRows, type RowChange } from './pair-rows.ts';
import { rowsOf, Shapes } from './table-rows.ts';
import { pairTables, type SnapshotTables, type TablePair } from './tables.ts';
import { type Sides, type Unmatched, unmatchedRows } from './unmatched.ts';

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
  const reader = await readerFor(snapshots);
  const tablesOf = async (snapshot: Snapshot): Promise<SnapshotTables> => ({
    snapshot,
    databases: await manifestsOf(repository, snapshot, signal),
  });
  const both = [await tablesOf(snapshots[0]), await tablesOf(snapshots[1])] as const;
  const comparison = new Comparison(repository, reader, options);
  for (const pair of pairTables(both, options.tables))
    try {
      yield* comparison.of(pair);
    } catch (error) {
      if (!hasCode(error, 'REPOSITORY_DAMAGED') && !hasCode(error, 'ITEM_UNREADABLE')) throw error;
      yield { type: 'uncompared', database: pair.database, table: pair.name, error };
    }
}

const readerFor = async ([before, after]: Sides<Snapshot>): Promise<TableReader> => {
  const kinds = [before, after].map((snapshot) => tagOf(snapshot, 'kind') ?? 'files');
  const [reader] = await Promise.all(kinds.map((kind) => tableReaderOf(kind)?.()));
  if (reader && kinds[0] === kinds[1]) return reader;
  throw new HoldfastError(
    'USAGE',
    `rows cannot be compared: ${shortId(before.id)} is of kind ${kinds[0]}, ${shortId(after.id)} of kind ${kinds[1]}`,
    { hint: reader ? 'name two snapshots of one kind' : 'leave out --rows, to compare files' },
  );
};

class Comparison {
  readonly #repository: Repository;
  readonly #reader: TableReader;
  readonly #options: RowDiffOptions;
  readonly #shapes: Shapes;
  #bytes = 0;
  #tables = 0;

  constructor(repository: Repository, reader: TableReader, options: RowDiffOptions) {
    this.#repository = repository;
    this.#reader = reader;
    this.#options = options;
    this.#shapes = new Shapes({ repository, reader, signal: options.signal });
  }

  async *of(pair: TablePair): AsyncGenerator<RowDifference> {
    const inTable = { database: pair.database, table: pair.name };
    const rows = [pair.sides[0].table?.rows, pair.sides[1].table?.rows] as const;
    const table = {
      ...inTable,
      type: 'table',
      rows,
      added: 0,
      removed: 0,
      changed: 0,
      listed: true,
    } as const;
    this.#tables += 1;
    for (const { missing, snapshot } of pair.sides)
      if (missing !== undefined)
        return yield {
          ...inTable,
          type: 'uncompared',
          error: new HoldfastError('ITEM_UNREADABLE', `not in snapshot ${shortId(snapshot.id)}: ${missing}`),
        };
    if (rows[0] === undefined || rows[1] === undefined || isSame(pair)) return yield table;
    const unmatched = await this.#unmatched(pair);
    const [removed, added] = unmatched.counts;
    if (!unmatched.rows) return yield { ...table, removed, added, listed: false };
    let changed = 0;
    for (const row of pairRows(unmatched.rows, await this.#shapesOf(pair))) {
      if (row.change === 'changed') changed += 1;
      yield { ...inTable, type: 'row', row };
    }
    yield { ...table, removed: removed - changed, added: added - changed, changed };
  }

  async #unmatched({ name, sides }: TablePair): Promise<Unmatched> {
    const { signal, onEvent } = this.#options;
    const onBytes = (bytes: number): void => {
      this.#bytes += bytes;
      const progress = { phase: 'comparing', bytes: this.#bytes, items: this.#tables, current: name };
      onEvent({ type: 'progress', subject: originOf(sides[1].snapshot), progress });
    };
    const reading = { repository: this.#repository, reader: this.#reader, signal, onBytes };
    return await unmatchedRows(await rowsOf(reading, sides));
  }

  async #shapesOf({ name, sides }: TablePair): Promise<Parameters<typeof pairRows>[1]> {
    return [await this.#shapes.of(sides[0], name), await this.#shapes.of(sides[1], name)];
  }
}

const isSame = ({ sides: [before, after] }: TablePair): boolean =>
  before.table?.rows === after.table?.rows &&
  before.table?.bytes === after.table?.bytes &&
  before.table?.checksum === after.table?.checksum;
