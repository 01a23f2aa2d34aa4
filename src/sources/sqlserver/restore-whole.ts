// One database as a whole. What is made for it goes again when anything fails.

import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { lateSignal } from '#lib/outliving.ts';
import { dropOrTell } from '../drop-or-tell.ts';
import { notEmpty } from '../free-targets.ts';
import type { Manifest } from '../manifest.ts';
import { leftAsItWas, withLackingRows } from '../refused.ts';
import type { Reporter } from '../restore-report.ts';
import { bulkWorks } from './bulk-rows.ts';
import { type Connection, connect } from './connect.ts';
import { DatabaseTexts } from './database-texts.ts';
import { plainName, type QualifiedName } from './identifiers.ts';
import { databaseFiles, databasePath } from './layout.ts';
import { assertComplete, assertRowCount, type Loaded, loadRows, tableOf } from './load-rows.ts';
import type { Contents } from './model.ts';
import { restoreNative } from './native.ts';
import type { Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';
import { runStatements, type Unmade } from './run-statements.ts';
import { databaseStatements } from './script.ts';
import { postDataStatements, preDataStatements } from './statements.ts';
import { admitSessions, dropDatabase, endSessions, temporaryName } from './target-server.ts';

/**
 * What the server refuses to make is left out, and told. A new database is dropped again when anything else fails. One that is
 * replaced stays as it is unless all of it can be restored. In an empty one that was there before, what was restored stays.
 */
export const restoreWhole = async (restoring: Restoring, goal: Goal): Promise<void> => {
  const { target, into, settings, stream, context, reporter } = restoring;
  const state = await target.stateOf(goal.name);
  if (state === 'used' && !into.force) throw notEmpty(goal.name, settings);
  const texts = new DatabaseTexts(stream, goal.database);
  if ((await texts.readUntilRows()) && (await stream.isNative()))
    return await restoreFile(restoring, goal, texts, state !== 'absent');
  const contents = texts.contents();
  throwIfCancelled(context.signal);
  if (state === 'empty') return await load(restoring, goal, texts, goal.name, undefined);
  const name = state === 'used' ? temporaryName(goal.name) : goal.name;
  const before = reporter.failures.length;
  let isBegun = state === 'used'; // whether it was made or not, nobody else has that name
  try {
    await create(restoring, contents, name);
    isBegun = true;
    await load(restoring, goal, texts, name, state === 'used' ? goal.name : undefined);
    const failures = reporter.failures.slice(before).map(({ error }) => error);
    if (state === 'used' && failures.length > 0) throw leftAsItWas(goal.name, failures);
    throwIfCancelled(context.signal);
    if (state === 'used') await target.replace(goal.name, name);
  } catch (error) {
    if (isBegun) await dropUnneeded(restoring, name);
    throw error;
  }
};

/** Also when the session was cancelled or lost: what was begun must go. */
const dropUnneeded = async ({ settings, context }: Restoring, name: string): Promise<void> => {
  await dropOrTell({ database: name, server: settings.server }, context.log, async () => {
    await using admin = await connect(settings, 'master', lateSignal(context.signal));
    await dropDatabase(admin, name);
  });
};

const create = async (
  { target, reporter, context }: Restoring,
  contents: Contents,
  name: string,
): Promise<void> => {
  const [make, ...settings] = databaseStatements(await withoutUsualCollation(target.admin, contents), name);
  await target.create(name, make?.batches[0] ?? '');
  await runStatements(target.admin, settings, { reporter, signal: context.signal });
};

/** What the server does anyway need not be said; not every server lets it be said. */
const withoutUsualCollation = async (admin: Connection, contents: Contents): Promise<Contents> => {
  const [row] = await admin.query<{ collation: string | null }>(
    "select collation_name as collation from sys.databases where name = 'master'",
  );
  const { collation, ...database } = contents.database;
  return row?.collation?.toLowerCase() === collation?.toLowerCase() ? { ...contents, database } : contents;
};

const load = async (
  restoring: Restoring,
  goal: Goal,
  texts: DatabaseTexts,
  name: string,
  replaced: string | undefined,
): Promise<void> => {
  const { config, settings, context, reporter, stream } = restoring;
  const { signal } = context;
  await using connection = await connect(settings, name, signal);
  const contents = texts.contents();
  const leftOut = await runStatements(connection, preDataStatements(contents), { reporter, signal });
  const unmade = new Set(leftOut.map(({ what }) => what));
  const isMade = (table: QualifiedName): boolean => !unmade.has(`table ${plainName(table)}`);
  const tables = contents.tables.filter(isMade);
  assertMayLack(leftOut, replaced, tables.length > 0 || contents.tables.length === 0);
  const bulk = config.bulkLoad === 'auto' && (await bulkWorks(() => connect(settings, name, signal)));
  const loaded: Loaded = new Map();
  while (await texts.readUntilRows())
    for await (const { path, place, content } of stream.rows(goal.database)) {
      const table = tableOf(contents, place.table);
      if (!isMade(table)) continue;
      const request = { connection, table, into: table, bulk, signal, inTransaction: false };
      loaded.set(plainName(table), await loadRows(request, reporter.counted(path, content)));
    }
  assertComplete(loaded, contents, texts.manifest(), {
    isWanted: isMade,
    warn: (text) => reporter.warn(text),
  });
  await assertCounts(connection, contents, loaded);
  for (const { what, reason } of contents.notKept) reporter.warn(`${what} is not in the backup: ${reason}`);
  reportUnmade(leftOut, texts.manifest(), `${databasePath(goal.database)}/${databaseFiles.schema}`, reporter);
  // Foreign keys to tables that were left out are tried, and named.
  const statements = postDataStatements({ ...contents, tables });
  for (const { error } of await runStatements(connection, statements, { reporter, signal }))
    reporter.fail(`${databasePath(goal.database)}/${databaseFiles.postData}`, error);
};

/** TARGET_FAILED when no table was made, or when nothing may lack, since it takes the place of a database that is there. */
const assertMayLack = (
  leftOut: readonly Unmade[],
  replaced: string | undefined,
  hasTables: boolean,
): void => {
  const [first] = leftOut;
  if (first === undefined) return;
  if (!hasTables) throw first.error;
  if (replaced === undefined) return;
  throw leftAsItWas(
    replaced,
    leftOut.map(({ error }) => error),
  );
};

/** Tables with the number of rows that lack with them. */
const reportUnmade = (
  leftOut: readonly Unmade[],
  manifest: Manifest,
  path: string,
  reporter: Reporter,
): void => {
  for (const { what, error } of leftOut) {
    const rows = manifest.tables.find((table) => what === `table ${table.name}`)?.rows ?? 0;
    reporter.fail(path, withLackingRows(error, rows));
  }
};

const assertCounts = async (connection: Connection, contents: Contents, loaded: Loaded): Promise<void> => {
  for (const table of contents.tables) {
    const count = loaded.get(plainName(table));
    if (count) await assertRowCount(connection, table, count.rows);
  }
};

/** What BACKUP DATABASE wrote, by RESTORE DATABASE. */
const restoreFile = async (
  { config, context, stream, target, into, reporter }: Restoring,
  goal: Goal,
  texts: DatabaseTexts,
  isThere: boolean,
): Promise<void> => {
  const { native } = config;
  if (!native)
    throw new HoldfastError('TARGET_FAILED', `${goal.database} was kept as the server's own backup`, {
      hint: 'set `native` for the target too, or restore the file into a folder and say RESTORE DATABASE … FROM DISK',
    });
  const entry = await stream.peek();
  if (!entry) return;
  stream.skip();
  const content = reporter.counted(entry.path, entry.content);
  // The server does not restore over a database that somebody is in.
  if (isThere) await endSessions(target.admin, goal.name);
  try {
    await restoreNative({
      connection: target.admin,
      native,
      context,
      name: goal.name,
      // An empty database of that name may be replaced as one that is to be.
      replace: isThere || into.force,
      content,
    });
  } catch (error) {
    if (isThere && target.admin.usable) await admitSessions(target.admin, goal.name);
    throw error;
  }
  await texts.readUntilRows();
};
