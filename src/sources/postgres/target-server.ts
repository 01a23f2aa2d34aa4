// The server that a restore goes to: what it has, what we may do there, and its databases.

import { randomUUID } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { lateSignal, openOutliving } from '#lib/outliving.ts';
import { dropOrTell } from '../drop-or-tell.ts';
import { type Connection, connect } from './connect.ts';
import { createStatement } from './database-statements.ts';
import { dropDatabase, endSessions } from './drop-database.ts';
import { connectAnywhere } from './dump.ts';
import { quoteIdentifier } from './identifiers.ts';
import { isServerError, serverMessage, sqlState, state } from './server-error.ts';
import type { ConnectionSettings } from './settings.ts';

export interface TargetServer extends AsyncDisposable {
  /** Works until the restore is over, also when it is cancelled: somebody must tidy up. */
  readonly admin: Connection;
  readonly superuser: boolean;
  readonly mayCreateRoles: boolean;
  readonly roles: Set<string>;
  readonly tablespaces: ReadonlySet<string>;
  /** What is in a database. */
  stateOf(database: string): Promise<DatabaseState>;
  /** Makes a database by the statement of the backup, under another name. */
  create(name: string, statement: string): Promise<void>;
  /** Removes what will not be finished, on a connection of its own, because another may be the reason. Tells where it fails. */
  dropUnneeded(name: string): Promise<void>;
  /** Gives a loaded database its name; one that has it already is dropped, with everybody in it. */
  rename(from: string, to: string): Promise<void>;
}

export type DatabaseState = 'absent' | 'empty' | 'used';

export const openTargetServer = async (
  settings: ConnectionSettings,
  { signal, log }: Context,
): Promise<TargetServer> => {
  throwIfCancelled(signal);
  const { admin, facts } = await openOutliving(signal, (own) => openAdmin(settings, own));
  const query = (sql: string): Promise<unknown[]> => admin.query(sql);
  const dropUnneeded = (name: string): Promise<void> =>
    dropOrTell({ database: name, server: settings.server }, log, async () => {
      await using connection = await connectForAdmin(settings, lateSignal(signal));
      await dropDatabase(connection, settings, name);
    });
  return {
    admin,
    ...facts,
    async stateOf(database) {
      const [row] = await admin.query<{ present: boolean }>(
        'select exists (select from pg_catalog.pg_database where datname = $1) as present',
        [database],
      );
      if (!row?.present) return 'absent';
      await using inside = await connect(settings, database, signal);
      return (await isEmpty(inside)) ? 'empty' : 'used';
    },
    async create(name, statement) {
      try {
        await query(
          createStatement(statement, { name, version: admin.version, tablespaces: facts.tablespaces }),
        );
      } catch (error) {
        if (!isServerError(error)) throw error;
        throw new HoldfastError(
          'TARGET_FAILED',
          `cannot create a database on ${settings.server}: ${serverMessage(error)}`,
          {
            hint:
              sqlState(error) === state.insufficientPrivilege
                ? `grant createdb to ${settings.user}, or create an empty database and name it in the URL`
                : 'create an empty database as it should be, and name it in the URL',
            cause: error,
          },
        );
      }
    },
    dropUnneeded,
    async rename(from, to) {
      const [row] = await admin.query<{ present: boolean }>(
        'select exists (select from pg_catalog.pg_database where datname = $1) as present',
        [to],
      );
      await endSessions(admin, from); // a pooler keeps some for later
      const give = `alter database ${quoteIdentifier(from)} rename to ${quoteIdentifier(to)}`;
      if (!row?.present) {
        await query(give);
        return;
      }
      const away = temporaryName(to);
      await endSessions(admin, to);
      await query(
        `begin; alter database ${quoteIdentifier(to)} rename to ${quoteIdentifier(away)}; ${give}; commit`,
      );
      await dropUnneeded(away);
    },
    async [Symbol.asyncDispose]() {
      await admin[Symbol.asyncDispose]();
    },
  };
};

/** A name that nobody has, and that says where it comes from; PostgreSQL's names have at most 63 bytes. */
export const temporaryName = (database: string): string => {
  const suffix = `.holdfast-${randomUUID().slice(0, 8)}`;
  let name = database;
  while (Buffer.byteLength(name + suffix) > 63) name = Array.from(name).slice(0, -1).join('');
  return name + suffix;
};

/** Not in the database that is to be restored, which may not exist yet, or may have to go. */
export const connectForAdmin = async (
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<Connection> => {
  try {
    return await connectAnywhere({ ...settings, database: undefined }, signal);
  } catch (error) {
    const mayBeElsewhere =
      hasCode(error, 'SOURCE_DENIED') || (error instanceof HoldfastError && isServerError(error.cause));
    if (settings.database === undefined || !mayBeElsewhere) throw error;
    return await connect(settings, settings.database, signal);
  }
};

const targetFacts = async (admin: Connection) => {
  const [role] = await admin.query<{ superuser: boolean; mayCreateRoles: boolean }>(
    `select rolsuper as superuser, rolsuper or rolcreaterole as "mayCreateRoles"
      from pg_catalog.pg_roles where rolname = current_user`,
  );
  const roles = await admin.query<{ name: string }>('select rolname::text as name from pg_catalog.pg_roles');
  const spaces = await admin.query<{ name: string }>(
    'select spcname::text as name from pg_catalog.pg_tablespace',
  );
  return {
    superuser: role?.superuser ?? false,
    mayCreateRoles: role?.mayCreateRoles ?? false,
    roles: new Set(roles.map(({ name }) => name)),
    tablespaces: new Set(spaces.map(({ name }) => name)),
  };
};

/** No relation, type, function, schema or large object but those of the system and of extensions, and what is part of these. */
const isEmpty = async (connection: Connection): Promise<boolean> => {
  const own = (catalog: string, schema = ''): string =>
    `exists (select from pg_catalog.${catalog} o where o.oid >= 16384 ${schema && `and o.${schema} in (select oid from pg_catalog.pg_namespace where nspname !~ '^pg_')`}
      and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.${catalog}'::regclass
        and d.objid = o.oid and d.deptype in ('e', 'i')))`;
  const [row] = await connection.query<{ used: boolean }>(
    `select ${own('pg_class', "relkind not in ('i', 'I') and o.relnamespace")} or ${own('pg_proc', 'pronamespace')} or ${own('pg_type', 'typnamespace')}
      or exists (select from pg_catalog.pg_namespace o where o.oid >= 16384 and nspname !~ '^pg_' and nspname <> 'public'
        and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_namespace'::regclass
          and d.objid = o.oid and d.deptype = 'e'))
      or exists (select from pg_catalog.pg_largeobject_metadata) as used`,
  );
  return !row?.used;
};

const openAdmin = async (
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<{ admin: Connection; facts: Awaited<ReturnType<typeof targetFacts>> }> => {
  const admin = await connectForAdmin(settings, signal);
  try {
    return { admin, facts: await targetFacts(admin) };
  } catch (error) {
    admin.destroy();
    throw error;
  }
};
