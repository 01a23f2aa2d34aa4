// The server that a restore goes to: what it has, and its databases.
import { randomUUID } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { lateSignal, openOutliving } from '#lib/outliving.ts';
import { damagedSnapshot } from '../damaged-snapshot.ts';
import { dropOrTell } from '../drop-or-tell.ts';
import { binaryIdentifier, bytesOf } from './binary-text.ts';
import { withKnownCollations } from './collations.ts';
import { type Connection, connect } from './connect.ts';
import { takeHistorySql } from './history.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
import { loadMode } from './load-mode.ts';
import { isLocked, waitingFor } from './lock-patience.ts';
import { isDenied, isReadOnly, ServerError } from './server-error.ts';
import type { ConnectionSettings } from './settings.ts';
import { assertSupported } from './survey.ts';

export type DatabaseState = 'absent' | 'empty' | 'used';

export interface TargetServer extends AsyncDisposable {
  /** Works until the restore is over, also when it is cancelled: somebody must tidy up. */
  readonly admin: Connection;
  /** Whether rows come with the times from which and to which they were what they are. */
  readonly takesHistory: boolean;
  /** Fires a while after the restore was cancelled, when even who tidies up must end; never where nobody said how long locks are waited for. */
  readonly late: AbortSignal;
  /** A name of a database or table as the server keeps it, which may be in lower case. */
  nameHere(name: string): string;
  stateOf(database: string): Promise<DatabaseState>;
  /** Makes a database by the statement of the backup, under another name. `tell` is told what it does not get as it was. */
  create(name: string, statement: string, tell?: (text: string) => void): Promise<void>;
  /** Gives a database the options in such a statement. */
  setOptions(name: string, statement: string): Promise<void>;
  drop(name: string): Promise<void>;
  /** The same of what will not be finished, on a connection of its own, because another may be the reason. Tells where it fails. */
  dropUnneeded(name: string): Promise<void>;
  /** A connection that makes and loads tables in a database. */
  connectTo(database: string, signal: AbortSignal): Promise<Connection>;
}

/** `lockWaitSeconds` is how long any of its sessions waits for what others lock; the server's own limit, mostly a day or a year, without it. */
export const openTargetServer = async (
  named: ConnectionSettings,
  { signal, log }: Context,
  lockWaitSeconds?: number,
): Promise<TargetServer> => {
  throwIfCancelled(signal);
  // Not into the database that is to be restored, which may not exist yet.
  const settings = { ...named, database: undefined };
  const late = lockWaitSeconds === undefined ? new AbortController().signal : lateSignal(signal);
  const admin = await openOutliving(signal, (own) => connect(settings, AbortSignal.any([own, late])));
  const limitWaiting = async (connection: Connection): Promise<void> => {
    if (lockWaitSeconds !== undefined) await connection.run(waitingFor(lockWaitSeconds));
  };
  try {
    assertSupported(admin.version, settings);
    await prepare(admin);
    await limitWaiting(admin);
  } catch (error) {
    admin.destroy();
    throw error;
  }
  const takesHistory = await mayTakeHistory(admin);
  const inLowerCase = await keepsLowerCase(admin);
  const nameHere = (name: string): string => (inLowerCase ? name.toLowerCase() : name);
  return {
    admin,
    takesHistory,
    late,
    nameHere,
    stateOf: (database) => stateOf(admin, nameHere(database)),
    async create(name, statement, tell = () => {}) {
      try {
        const create = `CREATE DATABASE ${binaryIdentifier(name)}${optionsIn(statement)}`;
        await withKnownCollations(create, (known) => admin.run(bytesOf(known)), tell);
      } catch (error) {
        if (!(error instanceof ServerError)) throw error;
        throw new HoldfastError(
          'TARGET_FAILED',
          `cannot create database ${name} on ${settings.server}: ${error.message}`,
          {
            hint: creationHint(error, settings.user),
            cause: error,
          },
        );
      }
    },
    async setOptions(name, statement) {
      const options = optionsIn(statement);
      if (options.trim() === '') return;
      const alter = `ALTER DATABASE ${binaryIdentifier(name)}${options}`;
      await withKnownCollations(
        alter,
        (known) => admin.run(bytesOf(known)),
        () => {}, // it was told when the database beside it was made
      );
    },
    drop: (name) => dropDatabase(admin, name),
    async dropUnneeded(name) {
      await dropOrTell({ database: name, server: settings.server }, log, async () => {
        await using connection = await connect(settings, lateSignal(signal));
        await limitWaiting(connection);
        await dropDatabase(connection, name);
      });
    },
    async connectTo(database, connectionSignal) {
      const connection = await connect(settings, connectionSignal);
      try {
        await prepare(connection);
        await limitWaiting(connection);
        await connection.run(`use ${quoteIdentifier(database)}`);
        return connection;
      } catch (error) {
        connection.destroy();
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      await admin[Symbol.asyncDispose]();
    },
  };
};

const dropDatabase = async (connection: Connection, name: string): Promise<void> => {
  await connection.run(`drop database if exists ${quoteIdentifier(name)}`);
};

const creationHint = (error: ServerError, user: string): string | undefined => {
  if (isReadOnly(error)) return 'restore into the primary, or as a user whom read_only does not hold back';
  if (isLocked(error)) return lockHint;
  return isDenied(error) ? `grant create on *.* to ${user}` : undefined;
};

export const lockHint =
  'somebody holds a lock that does not end (show processlist): end it, or raise lockTimeoutSeconds';

/** A name that nobody has, and that says where it comes from. */
export const stagingName = (): string => `${stagingPrefix}${randomUUID().slice(0, 8)}`;

export const isStaging = (database: string): boolean => database.startsWith(stagingPrefix);

const stagingPrefix = 'holdfast-restore-';

/** Rows come before those that they refer to, and some break a rule that came later. */
const needed = [`sql_mode = '${loadMode}'`, 'foreign_key_checks = 0', 'unique_checks = 0', 'sql_notes = 0'];

/** Settings that some servers lack, and some users may not make. */
const wished = [
  'check_constraint_checks = 0',
  'innodb_strict_mode = 0',
  'sql_require_primary_key = 0',
  'sql_generate_invisible_primary_key = 0',
  'system_versioning_alter_history = keep',
  'system_versioning_insert_history = 1',
  'explicit_defaults_for_timestamp = 1', // else a timestamp without a default is set anew by each update
  'restrict_fk_on_non_standard_key = 0',
  'binlog_format = row', // sequences and LOAD DATA want it
  'transaction read write',
  'innodb_compression_default = 0', // else tables and sequences get an option that they did not have
];

const prepare = async (connection: Connection): Promise<void> => {
  await connection.run(`set ${needed.join(', ')}`);
  for (const setting of wished) await isAllowed(connection, `set session ${setting}`);
};

/** The server says only with the rows that it takes none, but time that nobody may set is the only reason that it has. */
const mayTakeHistory = async (connection: Connection): Promise<boolean> =>
  connection.version.engine === 'mariadb' &&
  (await isAllowed(connection, takeHistorySql)) &&
  (await isAllowed(connection, 'set timestamp = 1')) &&
  (await isAllowed(connection, 'set timestamp = default'));

const keepsLowerCase = async (connection: Connection): Promise<boolean> => {
  const [row] = await connection.query<{ lower: string }>('select @@lower_case_table_names = 1 as lower');
  return row?.lower === '1';
};

const isAllowed = async (connection: Connection, statement: string): Promise<boolean> => {
  try {
    await connection.run(statement);
    return true;
  } catch (error) {
    if (error instanceof ServerError) return false;
    throw error;
  }
};

const stateOf = async (admin: Connection, database: string): Promise<DatabaseState> => {
  const literal = quoteLiteral(database);
  const schemas = await admin.query<{ name: string }>(
    `select schema_name as name from information_schema.schemata where schema_name = ${literal}`,
  );
  if (!schemas.some(({ name }) => name === database)) return 'absent';
  const [row] = await admin.query<{ used: string }>(
    `select exists (select 1 from information_schema.tables where table_schema = ${literal})
      or exists (select 1 from information_schema.routines where routine_schema = ${literal})
      or exists (select 1 from information_schema.events where event_schema = ${literal}) as used`,
  );
  return row?.used === '0' ? 'empty' : 'used';
};

/** What follows the name in `CREATE DATABASE \`shop\` …`; nothing else passes for one. */
const optionsIn = (statement: string): string => {
  const options = /^CREATE DATABASE `(?:[^`]|``)*`([^;]*)$/.exec(statement)?.[1];
  if (options === undefined) throw damagedSnapshot('the snapshot’s statement for the database is none');
  return options;
};
