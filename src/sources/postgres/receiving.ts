// A database that is kept fresh: whole snapshots are loaded beside it and take its name, changes are applied in one transaction.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { besideName, isBeside } from '../beside-names.ts';
import { onlyDatabase, onlyReceived } from '../only-database.ts';
import type { Mark, Receiver, Receiving } from '../receiver.ts';
import { notReceived, otherRunReceives } from '../receiving-refused.ts';
import { type Connection, connect } from './connect.ts';
import { dropDatabase } from './drop-database.ts';
import type { DumpRequest } from './dump.ts';
import { quoteIdentifier } from './identifiers.ts';
import { databasePath } from './layout.ts';
import { applyChanges } from './partial-apply.ts';
import { readMark, writeMark } from './received-mark.ts';
import { restoreServer } from './restore.ts';
import type { ConnectionSettings } from './settings.ts';
import { swapDatabases } from './swap-databases.ts';
import { connectForAdmin } from './target-server.ts';

export const receiver = (request: DumpRequest): Receiver => ({
  takesChanges: true,
  openReceiving: () => openReceiving(request),
});

const openReceiving = async (request: DumpRequest): Promise<Receiving> => {
  const { settings, config, context } = request;
  const name = onlyDatabase(config, settings, 'receiving');
  // Works also when all is cancelled: somebody must tidy up.
  const admin = await connectForAdmin(settings, new AbortController().signal);
  const inside = async <Result>(
    database: string,
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> => {
    await using connection = await connect(settings, database, context.signal);
    return await work(connection);
  };
  let loaded: { readonly database: string; mark: Mark } | undefined;
  let mark: Mark | undefined;
  try {
    await shutOthersOut(admin, name);
    await dropLeftovers(admin, settings, name);
    if (await isThere(admin, name)) mark = await inside(name, readMark);
  } catch (error) {
    admin.destroy();
    throw error;
  }
  return {
    get mark() {
      return mark;
    },
    async load(entries, { mark: own, databases, onProgress }) {
      const from = onlyReceived(databases);
      if (mark === undefined) await assertReplaceable(admin, inside, name);
      const beside = besideName(name);
      loaded = { database: beside, mark: own };
      const report = await restoreServer(request, entries, {
        ...{ force: false, rename: [[from, beside]], onProgress },
        // Named, so that the server's own roles and tablespaces are left alone.
        selection: [databasePath(from)],
      });
      const [failure] = report.failures;
      if (failure) throw failure.error;
      await inside(beside, (connection) => writeMark(connection, own));
      return report;
    },
    async apply(entries, next) {
      const { database, mark: expected } = loaded ?? { database: name, mark };
      if (expected === undefined) throw new HoldfastError('FAILED', `${name} has received nothing yet`);
      const rows = await inside(database, (connection) =>
        applyChanges(connection, entries, next, expected.snapshot),
      );
      if (loaded) loaded.mark = next;
      else mark = next;
      return { rows };
    },
    async publish() {
      if (loaded === undefined) throw new HoldfastError('FAILED', 'nothing was loaded');
      throwIfCancelled(context.signal);
      await swapDatabases(admin, settings, { from: loaded.database, to: name, away: besideName(name) });
      ({ mark } = loaded);
      loaded = undefined;
      await dropLeftovers(admin, settings, name);
    },
    async [Symbol.asyncDispose]() {
      try {
        if (loaded) await dropLeftovers(admin, settings, name);
      } finally {
        await admin[Symbol.asyncDispose]();
      }
    },
  };
};

/** Until the session ends. */
const shutOthersOut = async (admin: Connection, name: string): Promise<void> => {
  const [row] = await admin.query<{ locked: boolean }>(
    `select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('holdfast receiving'), pg_catalog.hashtext($1)) as locked`,
    [name],
  );
  if (row?.locked) return;
  throw otherRunReceives(name);
};

const isThere = async (admin: Connection, name: string): Promise<boolean> => {
  const rows = await admin.query('select from pg_catalog.pg_database where datname = $1', [name]);
  return rows.length > 0;
};

/** Also what a restore within an earlier run left, and the database that was there before a swap. */
const dropLeftovers = async (
  admin: Connection,
  settings: ConnectionSettings,
  name: string,
): Promise<void> => {
  const rows = await admin.query<{ name: string }>(
    'select datname::text as name from pg_catalog.pg_database',
  );
  for (const each of rows) if (isBeside(name, each.name)) await dropDatabase(admin, settings, each.name);
};

/** A database that somebody else filled is not ours to replace. */
const assertReplaceable = async (
  admin: Connection,
  inside: <Result>(database: string, work: (connection: Connection) => Promise<Result>) => Promise<Result>,
  name: string,
): Promise<void> => {
  if (!(await isThere(admin, name))) return;
  const used = await inside(name, async (connection) => {
    const [row] = await connection.query<{ used: boolean }>(
      `select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
          and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')) as used`,
    );
    return row?.used === true;
  });
  if (used)
    throw notReceived(
      `database ${name}`,
      `receive into another database, or drop it first: drop database ${quoteIdentifier(name)}`,
    );
};
