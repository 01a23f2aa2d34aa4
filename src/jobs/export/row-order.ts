// By which columns the rows of a table are ordered, and told apart.
import { createHash } from 'node:crypto';
import type { JobConfig } from '#config/config.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { RowColumn, RowTable, RowValues } from '#sources/source.ts';
import { isAhead } from '../ahead.ts';

export interface TableWish {
  readonly table: string;
  /** The column that tells rows apart, or at least their order. */
  readonly key: string;
  /** With it, rows come in the order in which they were changed, and are exported again when they are. */
  readonly timestamp?: string | undefined;
  /** Of the first export: every row that is there, or only those that come after it. */
  readonly first: 'all' | 'now';
  /** Seconds or steps, as the column is; what is usual for it when absent. */
  readonly overlap?: { readonly seconds: number } | { readonly steps: number } | undefined;
}

type ExportedTable = Extract<JobConfig, { readonly verb: 'export' }>['tables'][number];

/** What the file asks for. */
export const wishOf = ({ overlap, ...wish }: ExportedTable): TableWish => ({
  ...wish,
  ...(overlap !== undefined && {
    overlap: typeof overlap === 'number' ? { steps: overlap } : { seconds: durationMs(overlap) / 1000 },
  }),
});

export interface RowOrder {
  readonly orderedBy: string;
  readonly thenBy: readonly string[];
  /** How far below the newest row it is looked again: seconds or steps, as the column is. */
  readonly overlap: number;
  readonly keyOf: (row: RowValues) => string;
  /** Half of a SHA-256: among as many rows as there can be, no two have the same. */
  readonly hash: (row: RowValues) => Buffer;
  /** What a clock that goes wrong has dated ahead is exported, and passes nothing: rows with the right time are still to come. */
  readonly isAhead: (row: RowValues, now: Date) => boolean;
}

/** CONFIG_INVALID for a column that the table does not have, and for an overlap that its column cannot have. */
export const rowOrderOf = (wish: TableWish, table: RowTable): RowOrder => {
  const key = columnNamed(table, wish.key);
  const order = wish.timestamp === undefined ? key : columnNamed(table, wish.timestamp);
  const indexOf = (name: string): number => table.columns.findIndex((column) => column.name === name);
  const [keyAt, orderAt] = [indexOf(key.name), indexOf(order.name)];
  // All values tell a row apart where nothing else does, or where changed rows are exported again.
  const identity =
    wish.timestamp === undefined && table.key.length > 0 ? [key.name, ...table.key].map(indexOf) : undefined;
  return {
    orderedBy: order.name,
    thenBy: [...new Set([key.name, ...table.key])].filter((name) => name !== order.name),
    overlap: overlapOf(wish, table, order),
    keyOf: (row) => row[keyAt] ?? '',
    hash: (row) =>
      createHash('sha256')
        .update(JSON.stringify(identity ? identity.map((at) => row[at]) : row))
        .digest()
        .subarray(0, 16),
    isAhead: (row, now) => order.distance === 'time' && isAhead(row[orderAt] ?? '', now),
  };
};

const columnNamed = ({ name: table, columns }: RowTable, name: string): RowColumn => {
  const found =
    columns.find((one) => one.name === name) ??
    columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const names = columns.map((column) => column.name);
  throw new HoldfastError('CONFIG_INVALID', `${table} has no column ${name}${didYouMean(name, names)}`, {
    hint: `it has ${names.join(', ')}`,
  });
};

const usualOverlap = { time: 3600, number: 1000, none: 0 } as const;
const overlapForms = {
  time: 'a time: its overlap is a length of time ("1h")',
  number: 'a number: its overlap is a number (1000)',
  none: 'which can have no overlap',
} as const;

const overlapOf = ({ overlap }: TableWish, table: RowTable, { name, distance }: RowColumn): number => {
  if (overlap === undefined) return usualOverlap[distance];
  const [unit, amount] =
    'seconds' in overlap ? (['time', overlap.seconds] as const) : (['number', overlap.steps] as const);
  if (unit === distance || amount === 0) return amount;
  throw new HoldfastError(
    'CONFIG_INVALID',
    `${table.name} is exported by ${name}, ${overlapForms[distance]}`,
    { hint: `correct the \`overlap\` of ${table.name}, or leave it out` },
  );
};
