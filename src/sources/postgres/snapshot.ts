// One state of one database for many connections: a transaction that stays open, and exports what it sees.
import { HoldfastError } from '#lib/errors.ts';
import type { Connection } from './connect.ts';
import { plainName, quoteName } from './identifiers.ts';
import { listTables, type Table } from './listing.ts';
import { isServerError, serverMessage, state } from './server-error.ts';

export interface DatabaseSnapshot {
  /** For `set transaction snapshot` and `pg_dump --snapshot`. */
  readonly id: string;
  readonly takenAt: Date;
  /** As the manifest has it. */
  readonly position: Readonly<Record<string, string>>;
  readonly encoding: string;
  /** Whether a backslash in a literal has a meaning for those who connect, as it had of old. */
  readonly escapedStrings: boolean;
  /** As they are in the snapshot. */
  readonly tables: readonly Table[];
  /** Tables that could not be locked, by plain name. */
  readonly lockFailures: ReadonlyMap<string, HoldfastError>;
}

/**
 * Locks the tables against being dropped, rewritten or emptied, and only then takes the snapshot: what is locked later may
 * have lost the rows that the snapshot still promises. The connection must be kept until all is read.
 */
export const takeSnapshot = async (
  connection: Connection,
  isWanted: (table: Table) => boolean,
  lockTimeoutSeconds: number,
): Promise<DatabaseSnapshot> => {
  const server = await serverPosition(connection);
  const isLockable = (table: Table): boolean => table.kind !== 'foreign' && table.readable && isWanted(table);
  const before = (await listTables(connection)).filter(isLockable);
  await connection.query(
    `begin isolation level repeatable read, read only; set local lock_timeout = '${lockTimeoutSeconds}s'`,
  );
  const locks = await lockTables(connection, before);
  const { id, takenAt, encoding, escapedStrings, ...position } = await exportSnapshot(connection);
  const seen = await listTables(connection);
  const isNew = (table: Table): boolean => isLockable(table) && !locks.has(plainName(table));
  const added = await lockTables(connection, seen.filter(isNew));
  const tables = added.size > 0 ? await listTables(connection) : seen;
  const lockFailures = new Map<string, HoldfastError>();
  for (const [name, outcome] of [...locks, ...added])
    if (outcome !== 'locked') lockFailures.set(name, outcome);
  return {
    id,
    takenAt: new Date(takenAt),
    encoding,
    escapedStrings,
    position: { ...server, ...position },
    tables,
    lockFailures,
  };
};

type LockOutcome = 'locked' | HoldfastError;

/** One statement locks so many. */
const lockBatch = 250;

/** Tables that have gone meanwhile get an error too; nobody asks for it if the snapshot does not have them either. */
const lockTables = async (
  connection: Connection,
  tables: readonly Table[],
): Promise<Map<string, LockOutcome>> => {
  const outcomes = new Map<string, LockOutcome>();
  const lock = async (batch: readonly Table[]): Promise<void> => {
    const outcome = await lockTogether(connection, batch);
    if (outcome === 'locked' || batch.length === 1)
      for (const table of batch) outcomes.set(plainName(table), outcome);
    else for (const table of batch) await lock([table]);
  };
  for (let at = 0; at < tables.length; at += lockBatch) await lock(tables.slice(at, at + lockBatch));
  return outcomes;
};

const lockTogether = async (connection: Connection, tables: readonly Table[]): Promise<LockOutcome> => {
  const names = tables.map((table) => `only ${quoteName(table)}`).join(', ');
  try {
    await connection.query(
      `savepoint holdfast; lock table ${names} in access share mode; release savepoint holdfast`,
    );
    return 'locked';
  } catch (error) {
    if (!isServerError(error) || !connection.usable) throw error;
    if (error.code === state.outOfMemory)
      throw new HoldfastError(
        'SOURCE_DENIED',
        `the server has no room for more locks: ${serverMessage(error)}`,
        {
          hint: 'raise max_locks_per_transaction on the server to about the number of tables',
          cause: error,
        },
      );
    await connection.query('rollback to savepoint holdfast; release savepoint holdfast');
    return lockError(plainName(tables[0] as Table), error);
  }
};

const lockError = (name: string, error: Error & { code: string }): HoldfastError => {
  if (error.code === state.lockNotAvailable)
    return new HoldfastError('ITEM_UNREADABLE', `table ${name} is locked exclusively by another session`, {
      hint: 'run the backup when that session is done, or raise lockTimeoutSeconds',
      cause: error,
    });
  return new HoldfastError(
    'ITEM_CHANGED',
    `table ${name} changed just as the backup began: ${serverMessage(error)}`,
    {
      hint: 'run the backup again',
      cause: error,
    },
  );
};

/**
 * When the oldest transaction began that may still be writing; now, when there is none. Whatever is committed after this call
 * was changed after that. Undefined for a role that may not see the transactions of others, and on a standby, which knows of none.
 */
export const oldestTransaction = async (connection: Connection): Promise<string | undefined> => {
  const [row] = await connection.query<{ began: string | null }>(
    `select case when pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
        and not pg_catalog.pg_is_in_recovery() then
      to_char(least(clock_timestamp(), min(xact_start)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end as began
      from pg_catalog.pg_stat_activity
      where datname = pg_catalog.current_database() and pid <> pg_catalog.pg_backend_pid()
        and application_name not in ('pg_dump', current_setting('application_name'))`,
  );
  return row?.began ?? undefined;
};

/** What identifies the server's history; not every role may ask. */
const serverPosition = async (connection: Connection): Promise<Record<string, string>> => {
  const oldest = await oldestTransaction(connection);
  const position: Record<string, string> = oldest === undefined ? {} : { oldest_transaction: oldest };
  const questions = {
    system_identifier: 'select system_identifier::text as value from pg_catalog.pg_control_system()',
    timeline: 'select timeline_id::text as value from pg_catalog.pg_control_checkpoint()',
  };
  for (const [name, sql] of Object.entries(questions))
    try {
      const [row] = await connection.query<{ value: string }>(sql);
      if (row) position[name] = row.value;
    } catch (error) {
      if (!isServerError(error) || error.code !== state.insufficientPrivilege) throw error;
    }
  return position;
};

interface Exported {
  readonly id: string;
  readonly takenAt: string;
  readonly encoding: string;
  readonly escapedStrings: boolean;
  readonly snapshot: string;
  readonly lsn: string;
}

const exportSnapshot = async (connection: Connection): Promise<Exported> => {
  const current = connection.version >= 130_000 ? 'pg_current_snapshot' : 'txid_current_snapshot';
  const [row] = await connection.query<Exported>(
    `select pg_catalog.pg_export_snapshot() as id, pg_catalog.${current}()::text as snapshot,
      to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "takenAt",
      (select pg_catalog.pg_encoding_to_char(encoding) from pg_catalog.pg_database where datname = current_database())
        as encoding,
      (select reset_val = 'off' from pg_catalog.pg_settings where name = 'standard_conforming_strings') as "escapedStrings",
      (case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
        else pg_catalog.pg_current_wal_lsn() end)::text as lsn`,
  );
  if (!row) throw new HoldfastError('FAILED', 'the server exported no snapshot');
  return row;
};
