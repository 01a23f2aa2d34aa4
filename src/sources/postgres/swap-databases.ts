// One database in the place of another, in one step.
import { type Connection, connect } from './connect.ts';
import { quoteIdentifier } from './identifiers.ts';
import { sqlState, state } from './server-error.ts';
import type { ConnectionSettings } from './settings.ts';

/** So often somebody may come in between. */
const attempts = 5;
const endEveryMs = 20;

/**
 * Gives `from` the name `to`; a database that had it is called `away` then. Its sessions are ended: the renaming holds new
 * ones back from its beginning, so that each sees the one or the other, and never none.
 */
export const swapDatabases = async (
  admin: Connection,
  settings: ConnectionSettings,
  { from, to, away }: { readonly from: string; readonly to: string; readonly away: string },
): Promise<void> => {
  const rename = (one: string, other: string): string =>
    `alter database ${quoteIdentifier(one)} rename to ${quoteIdentifier(other)}`;
  const there = await admin.query('select from pg_catalog.pg_database where datname = $1', [to]);
  if (there.length === 0) {
    await admin.query(rename(from, to));
    return;
  }
  const swap = `begin; ${rename(to, away)}; ${rename(from, to)}; commit`;
  // The renaming waits for the sessions that were there before it, so another session has to end them meanwhile.
  await using ender = await connect(settings, admin.database, new AbortController().signal);
  for (let attempt = 1; ; attempt += 1)
    try {
      await whileEnding(ender, to, admin.query(swap));
      return;
    } catch (error) {
      await admin.query('rollback');
      if (sqlState(error) !== state.objectInUse || attempt === attempts) throw error;
    }
};

const whileEnding = async (ender: Connection, database: string, work: Promise<unknown>): Promise<void> => {
  let over = false;
  const done = work.finally(() => {
    over = true;
  });
  done.catch(() => {}); // it is awaited below
  while (!over) {
    await ender.query(
      `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
        where datname = $1 and backend_type <> 'autovacuum worker' and pid <> pg_catalog.pg_backend_pid()`,
      [database],
    );
    await Promise.race([
      done.catch(() => {}),
      ender.query(`select pg_catalog.pg_sleep(${endEveryMs / 1000})`),
    ]);
  }
  await done;
};
