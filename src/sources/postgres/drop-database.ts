// Removing a database of ours, or one that another has replaced.
import { type Connection, connect } from './connect.ts';
import { quoteIdentifier } from './identifiers.ts';
import type { ConnectionSettings } from './settings.ts';

/** With everybody in it, and whatever it is set up as; nothing happens when it is not there. */
export const dropDatabase = async (
  admin: Connection,
  settings: ConnectionSettings,
  name: string,
): Promise<void> => {
  const [found] = await admin.query<{ subscribed: boolean }>(
    `select exists (select from pg_catalog.pg_subscription s where s.subdbid = d.oid) as subscribed
      from pg_catalog.pg_database d where d.datname = $1`,
    [name],
  );
  if (!found) return;
  const quoted = quoteIdentifier(name);
  await admin.query(
    `alter database ${quoted} with is_template false allow_connections true connection limit -1`,
  );
  if (found.subscribed) await dropSubscriptions(settings, name);
  if (admin.version < 130_000) await endSessions(admin, name);
  const force = admin.version >= 130_000 ? ' with (force)' : '';
  await admin.query(`drop database if exists ${quoted}${force}`);
};

/** A database that has one cannot be dropped. Its slot stays: it belongs to the original, or to what took its place. */
const dropSubscriptions = async (settings: ConnectionSettings, database: string): Promise<void> => {
  await using connection = await connect(settings, database, new AbortController().signal);
  const rows = await connection.query<{ name: string }>(
    `select s.subname::text as name from pg_catalog.pg_subscription s
      where s.subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`,
  );
  for (const { name } of rows) {
    const quoted = quoteIdentifier(name);
    await connection.query(`alter subscription ${quoted} disable`);
    await connection.query(`alter subscription ${quoted} set (slot_name = none)`);
    await connection.query(`drop subscription ${quoted}`);
  }
};

/** Autovacuum's, which belong to nobody, make way by themselves; only a superuser may end them. */
export const endSessions = async (admin: Connection, database: string): Promise<void> => {
  await admin.query(
    `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
      where datname = $1 and pid <> pg_catalog.pg_backend_pid() and usesysid is not null`,
    [database],
  );
};
