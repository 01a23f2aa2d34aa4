// What there is to ask for in a snapshot.
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SqlColumn } from '#sources/table-reader.ts';
import { manifestsOf } from '../manifests.ts';
import { type RowsContext, rowsToAsk } from './rows-to-ask.ts';

export interface ListedTable {
  /** The folder of its database, as the snapshot has it. */
  readonly database: string;
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly SqlColumn[];
}

/** The tables that have rows of their own. USAGE for a snapshot of a kind without rows. */
export async function* listTables(
  repository: Repository,
  snapshot: Snapshot,
  context: RowsContext,
): AsyncGenerator<ListedTable> {
  const tableRows = await rowsToAsk(repository, snapshot, context);
  for (const { folder, manifest } of await manifestsOf(repository, snapshot, context.signal))
    for (const { name, rows } of manifest.tables) {
      const { columns } = await tableRows.shapeOf(snapshot, folder, name);
      yield { database: folder, name, rows, columns };
    }
}
