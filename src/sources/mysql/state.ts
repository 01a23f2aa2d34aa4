// One state of a whole server for many connections: transactions that begin in the same moment.

import { asError } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import { severalServers } from '../balancer.ts';
import { type Connection, connect } from './connect.ts';
import { quoteName } from './identifiers.ts';
import { waitingFor } from './lock-patience.ts';
import { appliedPosition, logsAll, type Position, serverPosition, snapshotPosition } from './position.ts';
import { createReaders, type Readers } from './readers.ts';
import { ServerError } from './server-error.ts';
import type { ConnectionSettings } from './settings.ts';
import { inStillness, type Stillness, type StillnessOptions } from './stillness.ts';

export interface ServerState extends AsyncDisposable {
  readonly readers: Readers;
  readonly takenAt: Date;
  readonly position: Position;
  /** The session that keeps tables locked, if any were to be; only it can read them while others wait to write. */
  readonly locker: Readers | undefined;
}

export interface StateOptions extends StillnessOptions {
  readonly settings: ConnectionSettings;
  readonly connections: number;
  readonly log: Log;
  /** Tables to keep locked, as [database, table]. */
  readonly lock: readonly (readonly [database: string, table: string])[];
}

/** `leader` asks for the stillness; it takes no part in the state. */
export const takeState = async (leader: Connection, options: StateOptions): Promise<ServerState> => {
  const opened: Connection[] = [];
  const open = async (): Promise<Connection> => {
    const connection = await connect(options.settings, options.signal);
    opened.push(connection);
    return connection;
  };
  try {
    const readers = await Promise.all(Array.from({ length: options.connections }, open));
    const locker = options.lock.length > 0 ? await open() : undefined;
    for (const connection of opened) await connection.run(waitingFor(options.timeoutSeconds));
    for (const reader of readers) await letGoOfTables(reader, options.log);
    const begun = await inStillness(leader, options, async (how) => {
      await keepDefinitions(leader, how, options);
      if (locker) await locker.run(lockStatement(options.lock));
      if (locker && how === 'none')
        options.log.warn(
          'commits could not be held back: tables without transactions were locked a moment before the state of the others',
        );
      return await begin(leader, readers, how, options);
    });
    await assertOneServer([leader, ...opened], options.settings.server);
    await Promise.all(
      readers.map(async (each) => begun.kept.includes(each) || (await each[Symbol.asyncDispose]())),
    );
    const [first] = begun.kept;
    const applied = first ? await appliedPosition(first) : {};
    const kept = createReaders(begun.kept, options.settings.server);
    const locking = locker && createReaders([locker], options.settings.server);
    return {
      readers: kept,
      locker: locking,
      takenAt: begun.takenAt,
      position: { ...begun.position, ...applied },
      async [Symbol.asyncDispose]() {
        await Promise.all([kept[Symbol.asyncDispose](), locking?.[Symbol.asyncDispose]()]);
      },
    };
  } catch (error) {
    for (const connection of opened) connection.destroy();
    throw error;
  }
};

/** What is held back on one server is not on another; asked within the transactions, which a proxy leaves where they are. */
const assertOneServer = async (connections: readonly Connection[], server: string): Promise<void> => {
  const answers = await Promise.all(
    connections.map((each) =>
      each.query<{ name: string }>(
        "select concat_ws(' ', @@hostname, @@port, @@server_id, @@datadir) as name",
      ),
    ),
  );
  if (new Set(answers.map(([row]) => row?.name)).size === 1) return;
  throw severalServers(server);
};

/** MariaDB lets go of a table that was read only in a session that could not write to the binary log anyway. */
const letGoOfTables = async (reader: Connection, log: Log): Promise<void> => {
  if (reader.version.engine !== 'mariadb') return;
  try {
    await reader.run('set session sql_log_bin = 0');
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    log.debug({ error: error.message }, 'tables that were read cannot be altered before the backup is over');
  }
};

const lockStatement = (tables: StateOptions['lock']): string =>
  `lock tables ${tables.map(([database, table]) => `${quoteName(database, table)} read`).join(', ')}`;

/**
 * MySQL can keep tables from being altered or dropped without keeping anybody from their rows. Its lock comes after the one that holds
 * commits back: the other way round, whoever just makes a table waits for this one, has what the other waits for, and fails.
 */
const keepDefinitions = async (
  leader: Connection,
  how: Stillness,
  { log, timeoutSeconds }: StateOptions,
): Promise<void> => {
  if (leader.version.engine !== 'mysql') return;
  try {
    if (how === 'none') await leader.run(waitingFor(timeoutSeconds));
    await leader.run('lock instance for backup');
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    log.debug({ error: asError(error).message }, 'tables may be altered while they are read');
  }
};

interface Begun {
  readonly kept: readonly Connection[];
  readonly takenAt: Date;
  readonly position: Position;
}

/** How often several connections try to hit the same state without stillness. */
const attempts = 5;

const begin = async (
  leader: Connection,
  readers: readonly Connection[],
  how: Stillness,
  { clock, log }: StateOptions,
): Promise<Begun> => {
  const takenAt = clock.now();
  await startTransactions(readers);
  const [first, ...others] = readers as [Connection, ...Connection[]];
  if (how !== 'none') {
    log.debug({ milliseconds: clock.now().getTime() - takenAt.getTime(), how }, 'commits were held back');
    const position = { ...(await serverPosition(leader)), ...(await snapshotPosition(first)) };
    return { kept: readers, takenAt, position };
  }
  for (let attempt = 0; attempt < attempts && others.length > 0; attempt += 1) {
    const position = await snapshotPosition(first);
    if (position.binlog_position === undefined || !(await logsAll(leader))) break;
    if (await areAll(others, position)) return { kept: readers, takenAt, position };
    await startTransactions(readers);
  }
  if (others.length > 0)
    log.warn(
      'one connection reads alone: without the right RELOAD, or while the server is busy, several cannot begin together',
    );
  return { kept: [first], takenAt, position: await snapshotPosition(first) };
};

const startTransactions = async (readers: readonly Connection[]): Promise<void> => {
  await Promise.all(
    readers.map(async (reader) => {
      await reader.run('set session transaction isolation level repeatable read');
      await reader.run('start transaction with consistent snapshot, read only');
    }),
  );
};

const areAll = async (readers: readonly Connection[], position: Position): Promise<boolean> => {
  const positions = await Promise.all(readers.map(snapshotPosition));
  return positions.every(
    (each) => each.binlog_file === position.binlog_file && each.binlog_position === position.binlog_position,
  );
};
