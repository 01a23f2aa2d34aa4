// How far an export has come in a table, and from where on it must look again: rows are seen when their transaction ends, and
// that may be after rows with greater keys were exported.
//
// Every run looks from a settled position on, and notes the position it reached with the number of the first transaction that had
// not begun by then. A run that finds all earlier transactions ended, and has looked at everything from the settled position on,
// has seen all that they left before the noted position: that one is settled for the next run. Below it lies an overlap, for keys
// that were drawn before their transaction began to write. Rows from there on that are in files already are known by their hashes.
import type { ExportTable, PendingPosition } from '#catalog/exports.ts';
import type { RowTable, RowView } from '#sources/source.ts';

export type Positions = Pick<ExportTable, 'settled' | 'pending'>;

type Horizon = NonNullable<RowView['horizon']>;

export interface WindowOptions {
  readonly table: RowTable;
  readonly orderedBy: string;
  readonly horizon: Horizon | undefined;
}

/** At the end of a run. Where the engine tells nothing of its transactions, every position counts as settled. */
export const settle = async (before: Positions, options: WindowOptions): Promise<Positions> => {
  const { horizon } = options;
  const isSettled = ({ next }: PendingPosition): boolean =>
    horizon === undefined || BigInt(next) <= horizon.oldest;
  let { settled } = before;
  for (const { position } of before.pending.filter(isSettled))
    settled = await later(settled, position, options);
  return {
    ...(settled !== undefined && { settled }),
    pending: before.pending.filter((one) => !isSettled(one)),
  };
};

/** When a run has come to this position. */
export const reach = (before: Positions, position: string, { horizon }: WindowOptions): Positions => {
  const next = String(horizon?.next ?? 0n);
  return { ...before, pending: [...before.pending.filter((one) => one.next !== next), { next, position }] };
};

/** A run that broke off may have come less far than others before it. */
const later = async (
  settled: string | undefined,
  position: string,
  { table, orderedBy }: WindowOptions,
): Promise<string> =>
  settled === undefined || !(await table.isBefore(orderedBy, position, { position: settled, overlap: 0 }))
    ? position
    : settled;
