// The rows of a snapshot that is to answer.
import { HoldfastError } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { JobContext } from '../job-context.ts';
import { type TableRows, tableRowsOf } from '../rows/table-rows.ts';
import { tagOf } from '../snapshot-choice.ts';

export type RowsContext = Pick<JobContext, 'signal' | 'onEvent'>;

/** USAGE for a snapshot of a kind without rows. */
export const rowsToAsk = async (
  repository: Repository,
  snapshot: Snapshot,
  context: RowsContext,
): Promise<TableRows> => {
  const rows = await tableRowsOf(repository, snapshot, context);
  if (rows) return rows;
  throw new HoldfastError(
    'USAGE',
    `a snapshot of kind ${tagOf(snapshot, 'kind') ?? 'files'} has no tables to ask`,
    { hint: '`holdfast snapshots` shows those of databases' },
  );
};
