// A database that is kept fresh: whole snapshots are loaded beside it and take its name, changes are applied in one transaction.
import { lateSignal, openOutliving } from '#lib/outliving.ts';
import { onlyDatabase } from '../only-database.ts';
import { insideOf, type ReceivingServer, receiveBeside } from '../receive-beside.ts';
import type { Receiver } from '../receiver.ts';
import { otherRunReceives } from '../receiving-refused.ts';
import { type Connection, connect } from './connect.ts';
import { dropDatabase } from './drop-database.ts';
import type { DumpRequest } from './dump.ts';
import { quoteIdentifier } from './identifiers.ts';
import { databasePath } from './layout.ts';
import { applyChanges } from './partial-apply.ts';
import { readMark, writeMark } from './received-mark.ts';
import { restoreServer } from './restore.ts';
import { swapDatabases } from './swap-databases.ts';
import { connectForAdmin } from './target-server.ts';

export const receiver = (request: DumpRequest): Receiver => ({
  takesChanges: true,
  async openReceiving() {
    const { settings, config, context } = request;
    const name = onlyDatabase(config, settings, 'receiving');
    return await receiveBeside(name, await openServer(request, name), context);
  },
});

const openServer = async (request: DumpRequest, name: string): Promise<ReceivingServer> => {
  const { settings, context } = request;
  const late = lateSignal(context.signal);
  const admin = await openOutliving(context.signal, (own) =>
    connectForAdmin(settings, AbortSignal.any([own, late])),
  );
  const inside = insideOf((database) => connect(settings, database, context.signal));
  return {
    shutOthersOut: () => lock(admin, name),
    databases: () => databasesOf(admin),
    drop: (database) => dropDatabase(admin, settings, database),
    isUsed: (database) => inside(database, isUsed),
    readMark: (database) => inside(database, readMark),
    writeMark: (database, mark) => inside(database, (connection) => writeMark(connection, mark)),
    restore: (entries, into) => restoreServer(request, entries, into),
    apply: (database, entries, next, expected) =>
      inside(database, (connection) => applyChanges(connection, entries, next, expected)),
    swap: (names) => swapDatabases(admin, settings, names),
    quote: quoteIdentifier,
    pathOf: databasePath,
    destroy: () => admin.destroy(),
    [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose](),
  };
};

const lock = async (admin: Connection, name: string): Promise<void> => {
  const [row] = await admin.query<{ locked: boolean }>(
    `select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('holdfast receiving'), pg_catalog.hashtext($1)) as locked`,
    [name],
  );
  if (!row?.locked) throw otherRunReceives(name);
};

const databasesOf = async (admin: Connection): Promise<string[]> => {
  const rows = await admin.query<{ name: string }>(
    'select datname::text as name from pg_catalog.pg_database',
  );
  return rows.map(({ name }) => name);
};

const isUsed = async (connection: Connection): Promise<boolean> => {
  const [row] = await connection.query<{ used: boolean }>(
    `select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')) as used`,
  );
  return row?.used === true;
};
