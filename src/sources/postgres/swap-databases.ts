// One database in the place of another, in one step.
import { HoldfastError } from '#lib/errors.ts';
import { type Connection, connect } from './connect.ts';
import { endSessions } from './drop-database.ts';
import { quoteIdentifier } from './identifiers.ts';
import { serverMessage, sqlState, state } from './server-error.ts';
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
  let refused: unknown;
  const done = work.finally(() => {
    over = true;
  });
  done.catch(() => {}); // it is awaited below
  while (!over && refused === undefined)
    try {
      await endSessions(ender, database);
      await ender.query(`select pg_catalog.pg_sleep(${endEveryMs / 1000})`);
    } catch (error) {
      refused = error;
    }
  try {
    await done;
  } catch (error) {
    throw refused === undefined ? error : mayNotEnd(database, refused);
  }
};

const mayNotEnd = (database: string, cause: unknown): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `sessions in ${database} could not be ended: ${serverMessage(cause)}`, {
    hint: 'grant pg_signal_backend to the role of the source; what readers see was left as it was',
    cause,
  });
