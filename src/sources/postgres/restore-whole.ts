// One database as a whole. It is loaded under a name of its own and gets the name it is to have when all of it is there.

import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { hasCode } from '#lib/errors.ts';
import { notEmpty } from '../free-targets.ts';
import { createPool } from '../pool.ts';
import { leftAsItWas } from '../refused.ts';
import { isWholeServer } from '../restore-goal.ts';
import { type Connection, connect } from './connect.ts';
import { databaseStatements, renamedProperty } from './database-statements.ts';
import { DatabaseTexts } from './database-texts.ts';
import type { RowsEntry } from './entry-stream.ts';
import { listExtensionKeys } from './foreign-keys.ts';
import { plainName, type QualifiedName } from './identifiers.ts';
import { databaseFiles, databasePath } from './layout.ts';
import { LeftOut } from './left-out.ts';
import { assertComplete, loadRows, type RowLoader } from './load-rows.ts';
import { runPostData } from './post-data.ts';
import type { Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';
import { ensureRoles } from './restore-roles.ts';
import { searchPathFor } from './row-places.ts';
import { createRunner } from './run-items.ts';
import { setSequence } from './sequences.ts';
import { temporaryName } from './target-server.ts';

/**
 * What the server refuses is left out, and told. A new database is dropped again when anything else fails. One that is replaced stays
 * as it is unless all of it can be restored. In an empty one that was there before, what was restored stays.
 */
export const restoreWhole = async (restoring: Restoring, goal: Goal): Promise<void> => {
  const { target, into, settings, stream, context } = restoring;
  const state = await target.stateOf(goal.name);
  if (state === 'used' && !into.force) throw notEmpty(goal.name, settings);
  const texts = new DatabaseTexts(stream, goal.database);
  await texts.readUntilRows();
  const { create, properties } = databaseStatements(texts.databaseScript());
  await ensureRoles(target, texts.contents().roles, restoring.reporter, restoring.roleComment);
  throwIfCancelled(context.signal);
  if (state === 'empty') {
    await load(restoring, goal, texts, goal.name, undefined);
    if (isWholeServer(restoring)) await applyProperties(restoring, goal, properties);
    else tellProperties(restoring, properties);
    return;
  }
  const name = temporaryName(goal.name);
  const before = restoring.reporter.failures.length;
  try {
    await target.create(name, create);
    await load(restoring, goal, texts, name, state === 'used' ? goal.name : undefined);
    const failures = restoring.reporter.failures.slice(before).map(({ error }) => error);
    if (state === 'used' && failures.length > 0) throw leftAsItWas(goal.name, failures);
    throwIfCancelled(context.signal);
    await target.rename(name, goal.name);
  } catch (error) {
    await target.dropUnneeded(name);
    throw error;
  }
  await applyProperties(restoring, goal, properties);
};

/** Whoever made the database beforehand has chosen its owner, and may have chosen more. */
const tellProperties = ({ reporter }: Restoring, properties: readonly string[]): void => {
  for (const statement of properties.filter((each) => !/^ALTER DATABASE .* OWNER TO /s.test(each)))
    reporter.warn(`the database was there before, so this was not set: ${statement}`);
};

const load = async (
  restoring: Restoring,
  goal: Goal,
  texts: DatabaseTexts,
  name: string,
  replaced: string | undefined,
): Promise<void> => {
  const { config, settings, context, target, reporter, stream, into } = restoring;
  // One failure ends what the others are doing: nothing of it will be kept.
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  const limit = config.connections;
  await using pool = createPool(limit, () => connect(settings, name, signal));
  const contents = texts.contents();
  const runner = createRunner({
    reporter,
    tablespaces: target.tablespaces,
    searchPathOf: (item) => searchPathFor(contents, item),
  });
  const leftOut = new LeftOut(replaced);
  await pool.use((connection) =>
    runner.runAll(connection, texts.items(databaseFiles.preData), (item, error) =>
      leftOut.addItem(item, error),
    ),
  );
  leftOut.assertMayLack(contents.tables);
  const early = new Set(target.superuser ? await pool.use(tablesWithKeys) : []);
  const loader: RowLoader = { contents, reporter, loaded: new Map(), early };
  while (await texts.readUntilRows())
    await forEachLimit(stream.rows(goal.database), into.sequential ? 1 : limit, async (entry) => {
      try {
        await leftOut.excuse(tableOfRows(entry), () =>
          pool.use((connection) => loadRows(loader, connection, entry)),
        );
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    });
  assertComplete(loader, texts.manifest(), (table) => !leftOut.has(table), true);
  await pool.use(async (connection) => {
    for (const sequence of contents.sequences)
      await leftOut.excuse(sequence, () => setSequence(connection, sequence));
  });
  leftOut.report(goal.database, texts.manifest(), loader.loaded, reporter);
  await runPostData(texts.items(databaseFiles.postData), {
    pool,
    limit,
    runner,
    onFailure: (item, error) => {
      if (!leftOut.isConsequence(item, error))
        reporter.fail(`${databasePath(goal.database)}/${databaseFiles.postData}`, error);
    },
  });
};

/** Only a superuser may load rows unchecked; for anybody else those of an extension must come in an order that fits. */
const tablesWithKeys = async (connection: Connection): Promise<string[]> =>
  (await listExtensionKeys(connection)).map(({ from }) => plainName(from));

const tableOfRows = ({ place }: RowsEntry): QualifiedName | undefined =>
  place.kind === 'table' ? place.table : undefined;

/** What a database has under its name: owner, settings, privileges, comment. One that is refused is reported; all else is there. */
const applyProperties = async (
  { target, reporter }: Restoring,
  goal: Goal,
  properties: readonly string[],
): Promise<void> => {
  const runner = createRunner({ reporter, tablespaces: target.tablespaces });
  const item = { type: 'DATABASE', name: goal.name, schema: '-', owner: '-', settings: [] };
  for (const statement of properties)
    try {
      await runner.run(target.admin, { ...item, statements: [renamedProperty(statement, goal.name)] });
    } catch (error) {
      if (!hasCode(error, 'TARGET_FAILED')) throw error;
      reporter.fail(`${databasePath(goal.database)}/${databaseFiles.database}`, error);
    }
};
