// The server that a restore writes to: which databases it has, and making, swapping and dropping them.
import { randomUUID } from 'node:crypto';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { ConnectionSettings } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { quoteIdentifier, quoteText } from './identifiers.ts';
import { errorNumber, number, serverMessage } from './server-error.ts';

export type TargetState = 'absent' | 'empty' | 'used';

export interface TargetServer extends AsyncDisposable {
  /** A session in no database of ours. */
  readonly admin: Connection;
  stateOf(name: string): Promise<TargetState>;
  create(name: string, sql: string): Promise<void>;
  /** Gives a database the name of another, which goes; it is called `away` for that moment. */
  replace(name: string, by: string, away?: string): Promise<void>;
}

export const openTargetServer = async (
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<TargetServer> => {
  const admin = await connectForAdmin(settings, signal);
  const exists = async (name: string): Promise<boolean> => {
    const [row] = await admin.query<{ found: number }>(
      `select count(*) as found from sys.databases where name = ${quoteText(name)}`,
    );
    return Number(row?.found ?? 0) > 0;
  };
  return {
    admin,
    async stateOf(name) {
      if (!(await exists(name))) return 'absent';
      await using inside = await connect(settings, name, signal);
      return (await isEmpty(inside)) ? 'empty' : 'used';
    },
    async create(name, sql) {
      try {
        await admin.run(sql);
      } catch (error) {
        if (errorNumber(error) === undefined) throw error;
        throw new HoldfastError(
          'TARGET_FAILED',
          `cannot create the database ${name} on ${settings.server}: ${serverMessage(error)}`,
          {
            hint: `add ${settings.user} to the server role dbcreator, or create an empty database and name it in the URL`,
            cause: error,
          },
        );
      }
    },
    async replace(name, by, away = temporaryName(name)) {
      try {
        await swap(admin, name, by, away);
      } catch (error) {
        if (errorNumber(error) === undefined) throw error;
        throw new HoldfastError(
          'TARGET_FAILED',
          `${name} cannot be replaced on ${settings.server}: ${serverMessage(error)}`,
          {
            hint: (await exists(name))
              ? hintFor(error)
              : `it is called ${away} now: give it its name again with ALTER DATABASE … MODIFY NAME`,
            cause: error,
          },
        );
      }
      await dropDatabase(admin, away);
    },
    [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose](),
  };
};

const hintFor = (error: unknown): string =>
  errorNumber(error) === number.inUse
    ? 'its owners come back into it at once: stop them, or let them log in with fewer rights; it is left as it was'
    : 'the login needs ALTER on the database, which is left as it was';

/** A name that nobody has, and that says where it comes from; names have at most 128 characters. */
export const temporaryName = (database: string): string =>
  `${database.slice(0, 100)}.holdfast-${randomUUID().slice(0, 8)}`;

/** Not in the database that is to be restored, which may not exist yet. */
export const connectForAdmin = async (
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<Connection> => {
  try {
    return await connect(settings, 'master', signal);
  } catch (error) {
    if (settings.database === undefined || !hasCode(error, 'SOURCE_DENIED')) throw error;
    return await connect(settings, settings.database, signal);
  }
};

const renameSql = (from: string, to: string): string =>
  `ALTER DATABASE ${quoteIdentifier(from)} MODIFY NAME = ${quoteIdentifier(to)}`;

/** So often somebody who owns the database or the server may come in between. */
const attempts = 5;

/** One takes the place of the other, or both stay what they were. */
const swap = async (admin: Connection, name: string, by: string, away: string): Promise<void> => {
  try {
    for (let attempt = 1; ; attempt += 1) {
      await endSessions(admin, name);
      const refused = await refusal(admin, renameSql(name, away));
      if (refused === undefined) break;
      if (errorNumber(refused) !== number.inUse || attempt === attempts) throw refused;
      await admitSessions(admin, name); // so that the next end of all is one of theirs, too
    }
    await giveName(admin, by, name).catch(async (error: unknown) => {
      await ignoringRefusal(admin, renameSql(away, name));
      throw error;
    });
  } catch (error) {
    await admitSessions(admin, name);
    throw error;
  }
};

/**
 * Others are sent away; where the server refuses that, only an unused database can be replaced. Not for a single user: whoever comes in
 * next would be that one, and until he goes nobody could let the others in again.
 */
export const endSessions = (admin: Connection, name: string): Promise<void> =>
  ignoringRefusal(
    admin,
    `ALTER DATABASE ${quoteIdentifier(name)} SET RESTRICTED_USER WITH ROLLBACK IMMEDIATE`,
  );

export const admitSessions = (admin: Connection, name: string): Promise<void> =>
  ignoringRefusal(admin, `ALTER DATABASE ${quoteIdentifier(name)} SET MULTI_USER`);

const ignoringRefusal = async (admin: Connection, sql: string): Promise<void> =>
  void (await refusal(admin, sql));

/** What the server said against it. */
const refusal = async (admin: Connection, sql: string): Promise<unknown> => {
  try {
    await admin.run(sql);
    return undefined;
  } catch (error) {
    if (errorNumber(error) === undefined) throw error;
    return error;
  }
};

/** For databases of our own making, as the next: a session of ours that the server has not ended yet would keep one from its name, … */
export const giveName = async (admin: Connection, from: string, to: string): Promise<void> => {
  await endSessions(admin, from);
  await admin.run(renameSql(from, to));
  await admitSessions(admin, to);
};

/** … and from going. */
export const dropDatabase = async (admin: Connection, name: string): Promise<void> => {
  await endSessions(admin, name);
  await admin.run(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`);
};

/** Nothing that a user made. */
const isEmpty = async (connection: Connection): Promise<boolean> => {
  const [row] = await connection.query<{ found: number }>(
    `select (select count(*) from sys.objects where is_ms_shipped = 0 and type in ('U', 'V', 'P', 'FN', 'IF', 'TF', 'SO', 'SN'))
      + (select count(*) from sys.types where is_user_defined = 1) as found`,
  );
  return Number(row?.found ?? 0) === 0;
};
