// What the rows of a system-versioned table of MariaDB were before. Current rows lie in the table's file, each with the time at which
// it came to be; rows that are no more lie in a file of their own, with the time at which they ended too. So servers that take no
// history still take the current rows, and no file says which time means "still there", which differs between versions.
import type { Column } from './listing.ts';

/** The columns that say from when to when a row was what it is. */
export interface Period {
  readonly start: string;
  readonly end: string;
}

/** Of a system-versioned table; undefined where rows are told apart by transactions, whose numbers mean nothing elsewhere. */
export const periodOf = (columns: readonly Column[]): Period | undefined => {
  const start = columns.find(({ period }) => period === 'start');
  const end = columns.find(({ period }) => period === 'end');
  if (!start || !end) return { start: 'row_start', end: 'row_end' };
  return start.type === 'timestamp' ? { start: start.name, end: end.name } : undefined;
};

/** What decides whether the history of a table can be kept. */
export interface Versioned {
  readonly engine: string;
  readonly columns: readonly Column[];
  /** Nobody writes to its tables while they are read, although their engine has no transactions. */
  readonly still: boolean;
  readonly transactional: ReadonlySet<string>;
}

/** Why the history of a system-versioned table is not kept, and what helps. Undefined when it is. */
export const historyLoss = ({
  engine,
  columns,
  still,
  transactional,
}: Versioned): { readonly why: string; readonly hint: string } | undefined => {
  if (periodOf(columns) === undefined)
    return {
      why: 'its rows are told apart by the numbers of transactions',
      hint: 'tables whose row start is a timestamp(6) keep theirs',
    };
  if (!still && !transactional.has(engine))
    return {
      why: `${engine} has no transactions, so rows could change while they are read`,
      hint: 'convert it to InnoDB, or say `lockNonTransactional: true`',
    };
  return undefined;
};

/** In the server's own words, as far as they go. */
const endOfTime = 'coalesce(from_unixtime(4294967295.999999), from_unixtime(2147483647.999999))';

/** Rows that are no more. `start` and `end` are quoted already. */
export const isPast = (end: string): string => `${end} < ${endOfTime}`;

/** No server takes rows that lasted no time, which statements leave behind that write a row twice. */
export const hasLasted = (start: string, end: string): string => `${start} <> 0 and ${start} < ${end}`;

/** Only servers that take history execute this. */
export const forHistory = (sql: string): string => `${historyOpen}${sql}${historyClose}`;

export const historyOpen = '/*M!101100 ';
export const historyClose = ' */';

export const takeHistorySql = 'set system_versioning_insert_history = 1';
