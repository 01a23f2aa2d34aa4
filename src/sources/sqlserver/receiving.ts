// A database that is kept fresh: whole snapshots are loaded beside it and take its name. The server renames one database at a time, so
// for a moment none has the name; a run that dies just then is completed by the next.
import { createHash } from 'node:crypto';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { lateSignal, openOutliving } from '#lib/outliving.ts';
import { isBeside } from '../beside-names.ts';
import { onlyDatabase } from '../only-database.ts';
import { insideOf, type ReceivingServer, receiveBeside } from '../receive-beside.ts';
import type { Receiver } from '../receiver.ts';
import { otherRunReceives } from '../receiving-refused.ts';
import { type Connection, connect } from './connect.ts';
import { quoteIdentifier, quoteText } from './identifiers.ts';
import { databasePath } from './layout.ts';
import { readMark, writeMark } from './received-mark.ts';
import { type RestoreRequest, restoreServer } from './restore.ts';
import {
  admitSessions,
  dropDatabase,
  giveName,
  openTargetServer,
  type TargetServer,
  temporaryName,
} from './target-server.ts';

export const receiver = (request: RestoreRequest): Receiver => ({
  takesChanges: false,
  async openReceiving() {
    const { settings, config, context } = request;
    const asked = onlyDatabase(config, settings, 'receiving');
    const late = lateSignal(context.signal);
    const target = await openOutliving(context.signal, (own) =>
      openTargetServer(settings, AbortSignal.any([own, late])),
    );
    const name = await nameHere(target, asked);
    return await receiveBeside(name, openServer(request, target, name), context);
  },
});

const openServer = (request: RestoreRequest, target: TargetServer, name: string): ReceivingServer => {
  const { settings, context } = request;
  const { admin } = target;
  const inside = insideOf((database) => connect(settings, database, context.signal));
  return {
    async shutOthersOut() {
      const markOf = (database: string): Promise<unknown> => inside(database, readMark);
      await lock(admin, name);
      await completeSwap(target, name, markOf);
      await admitReaders(target, name, markOf);
    },
    databases: () => databasesOf(admin),
    drop: (database) => dropDatabase(admin, database),
    isUsed: async (database) => (await target.stateOf(database)) === 'used',
    readMark: (database) => inside(database, readMark),
    writeMark: (database, mark) => inside(database, (connection) => writeMark(connection, mark)),
    restore: (entries, into) => restoreServer(request, entries, into),
    async apply() {
      throw new HoldfastError('UNSUPPORTED', 'databases of SQL Server take complete snapshots only');
    },
    async swap({ from, to, away }) {
      if ((await target.stateOf(to)) === 'absent') await giveName(admin, from, to);
      else await target.replace(to, from, temporaryName(away)); // not taken for one that was loaded
    },
    quote: quoteIdentifier,
    pathOf: databasePath,
    destroy: () => admin.destroy(),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
};

const wasLoaded = (name: string, database: string): boolean =>
  isBeside(name, database) && !database.includes('.holdfast-');

/** Where an earlier run ended after the one database had lost its name and before the other got it: one that is marked was loaded whole. */
const completeSwap = async (
  { admin }: TargetServer,
  name: string,
  markOf: (database: string) => Promise<unknown>,
): Promise<void> => {
  const databases = await databasesOf(admin);
  if (databases.includes(name)) return;
  for (const database of databases.filter((each) => wasLoaded(name, each))) {
    const mark = await markOf(database).catch((error: unknown) => {
      if (!hasCode(error, 'SOURCE_DENIED')) throw error; // a database that is half restored lets nobody in
    });
    if (mark === undefined) continue;
    return await giveName(admin, database, name);
  }
};

/** Where an earlier run ended after it had shut all readers out and before the database lost its name. */
const admitReaders = async (
  { admin }: TargetServer,
  name: string,
  markOf: (database: string) => Promise<unknown>,
): Promise<void> => {
  const [row] = await admin.query<{ access: number }>(
    `select user_access as access from sys.databases where name = ${quoteText(name)}`,
  );
  const isShut = row !== undefined && Number(row.access) !== 0;
  if (isShut && (await markOf(name)) !== undefined) await admitSessions(admin, name);
};

/** Most servers take letters of either case for the same. */
const nameHere = async ({ admin }: TargetServer, asked: string): Promise<string> => {
  try {
    const [row] = await admin.query<{ name: string }>(
      `select name from sys.databases where name = ${quoteText(asked)}`,
    );
    return row?.name ?? asked;
  } catch (error) {
    admin.destroy();
    throw error;
  }
};

const databasesOf = async (admin: Connection): Promise<string[]> =>
  (await admin.query<{ name: string }>('select name from sys.databases')).map(({ name }) => name);

/** Until the session ends. */
const lock = async (admin: Connection, name: string): Promise<void> => {
  const resource = `holdfast receiving ${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  const [row] = await admin.query<{ outcome: number }>(
    `DECLARE @outcome int; EXEC @outcome = sp_getapplock @Resource = N'${resource}', @LockMode = 'Exclusive',
      @LockOwner = 'Session', @LockTimeout = 0; SELECT @outcome AS outcome`,
  );
  if (row === undefined || row.outcome < 0) throw otherRunReceives(name);
};
