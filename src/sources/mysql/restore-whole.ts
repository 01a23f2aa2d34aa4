// One database as a whole.

import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { notEmpty } from '../free-targets.ts';
import { createPool } from '../pool.ts';
import { DatabaseTexts } from './database-texts.ts';
import { quoteIdentifier } from './identifiers.ts';
import { databaseFiles } from './layout.ts';
import { LeftOutTables } from './left-out-tables.ts';
import { assertComplete, createLoader, loadRows } from './load-rows.ts';
import { isRefusal, makeTables } from './make-tables.ts';
import { moveTables } from './move-tables.ts';
import type { Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';
import { makePrograms } from './restore-programs.ts';
import { ServerError } from './server-error.ts';
import { stagingName } from './target-server.ts';

/**
 * What the server refuses is left out, and told. A new database is dropped again when anything else fails. One that is replaced stays
 * as it is until all tables are there, in a database beside it. In an empty one that was there before, what was restored stays.
 */
export const restoreWhole = async (restoring: Restoring, goal: Goal): Promise<void> => {
  const { target, into, settings, stream, context } = restoring;
  const state = await target.stateOf(goal.name);
  if (state === 'used' && !into.force) throw notEmpty(goal.name, settings);
  const texts = new DatabaseTexts(stream, goal.database);
  await texts.readUntilRows();
  throwIfCancelled(context.signal);
  const name = state === 'used' ? stagingName() : goal.name;
  let isBegun = state === 'used'; // whether it was made or not, nobody else has that name
  try {
    if (state !== 'empty') {
      await target.create(name, texts.databaseStatement(), (text) => restoring.reporter.warn(text));
      isBegun = true;
    }
    await loadTables(restoring, goal, texts, name);
    throwIfCancelled(context.signal);
    if (state === 'used') await replaceDatabase(restoring, goal, texts, name);
    else await addPrograms(restoring, goal, texts);
  } catch (error) {
    if (isBegun) await target.dropUnneeded(name);
    throw error;
  }
};

const addPrograms = async (
  { target, context, reporter, unmade }: Restoring,
  goal: Goal,
  texts: DatabaseTexts,
): Promise<void> => {
  await using connection = await target.connectTo(goal.name, context.signal);
  const items = texts.items(databaseFiles.postData);
  unmade.push(...(await makePrograms(connection, items, goal, reporter)));
};

const loadTables = async (
  restoring: Restoring,
  goal: Goal,
  texts: DatabaseTexts,
  name: string,
): Promise<void> => {
  const { config, context, target, reporter, stream, into } = restoring;
  // One failure ends what the others are doing: nothing of it will be kept.
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  const limit = config.connections;
  await using pool = createPool(limit, () => target.connectTo(name, signal));
  const contents = texts.contents();
  const items = texts.items(databaseFiles.tables);
  const loader = createLoader(contents, items, restoring);
  const leftOut = new LeftOutTables(goal.database, items);
  const leaveOut = async (table: string, error: HoldfastError): Promise<void> => {
    leftOut.addTable(table, error);
    await pool.use((connection) => connection.run(`drop table if exists ${quoteIdentifier(table)}`));
  };
  const replaced = name === goal.name ? undefined : goal.name;
  await pool.use((connection) =>
    makeTables(connection, items, {
      contents,
      database: name,
      reporter,
      leaveOut: (item, error) => leftOut.add(item, error),
    }),
  );
  leftOut.assertMayLack(replaced);
  while (await texts.readUntilRows())
    await forEachLimit(stream.rows(goal.database), into.sequential ? 1 : limit, async (entry) => {
      const { table } = entry.place;
      if (leftOut.has(table)) return;
      try {
        await pool.use((connection) => loadRows(loader, connection, entry));
      } catch (error) {
        if (isRefusal(error) && replaced === undefined) return await leaveOut(table, error);
        failure.abort(error);
        throw error;
      }
    });
  const manifest = texts.manifest();
  await assertComplete(loader, pool, { manifest, isWanted: (table) => !leftOut.has(table), leaveOut });
  leftOut.assertMayLack(replaced);
  leftOut.report(manifest, reporter);
};

/** From here on there is no way back: the old one goes, and the tables beside it take its place. */
const replaceDatabase = async (
  restoring: Restoring,
  goal: Goal,
  texts: DatabaseTexts,
  staging: string,
): Promise<void> => {
  const { target } = restoring;
  let isThere = true;
  try {
    await target.drop(goal.name);
    isThere = false;
    await target.create(goal.name, texts.databaseStatement());
    const items = texts.items(databaseFiles.tables);
    await moveTables(target.admin, { items, database: goal.database, from: staging, to: goal.name });
    await target.drop(staging);
    await addPrograms(restoring, goal, texts);
  } catch (error) {
    if (isThere && error instanceof ServerError) throw error; // it was not even removed
    throw notWhole(goal.name, error);
  }
};

const notWhole = (database: string, cause: unknown): HoldfastError =>
  new HoldfastError(
    hasCode(cause, 'SOURCE_UNREACHABLE', 'CANCELLED') ? cause.code : 'TARGET_FAILED',
    `${database} was being replaced, and is not whole or not there now: ${messageOf(cause)}`,
    { hint: 'restore it again with --force', cause },
  );
