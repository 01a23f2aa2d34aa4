// Tables into a database that may be in use: each is loaded in a database beside it, and takes its place when all of them are whole.
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import { assertTargetIsThere } from '../free-targets.ts';
import { createPool } from '../pool.ts';
import type { Contents } from './contents.ts';
import { DatabaseTexts } from './database-texts.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles } from './layout.ts';
import { assertComplete, createLoader, loadRows, tableOf } from './load-rows.ts';
import { PartTables } from './part-tables.ts';
import type { Restoring } from './restore.ts';
import type { Goal, Parts } from './restore-goal.ts';
import { stagingName } from './target-server.ts';

export const restoreParts = async (restoring: Restoring, goal: Goal, parts: Parts): Promise<void> => {
  const { context, config, target, reporter, stream, into } = restoring;
  await assertTargetIsThere(restoring, goal.name);
  const texts = new DatabaseTexts(stream, goal.database);
  await texts.readUntilRows();
  const contents = texts.contents();
  const rename = into.rename.filter(([from]) => from !== goal.database);
  assertTablesToRename(rename, contents);
  const staging = stagingName();
  await target.create(staging, texts.databaseStatement());
  try {
    const { signal } = context;
    await using pool = createPool(config.connections, () => target.connectTo(staging, signal));
    const items = texts.items(databaseFiles.tables);
    const tables = new PartTables({
      target,
      goal,
      contents,
      items,
      reporter,
      rename,
      staging,
      force: into.force,
      pool,
    });
    for (const { name } of contents.tables) if (parts.isAsked(name)) await tables.begin(name);
    const loader = createLoader(contents, items, restoring);
    while (await texts.readUntilRows())
      await forEachLimit(stream.rows(goal.database), config.connections, async (entry) => {
        throwIfCancelled(signal);
        await tables.begin(tableOf(contents, entry.place.table).name);
        await pool.use((connection) => loadRows(loader, connection, entry));
      });
    await assertComplete(loader, pool, {
      manifest: texts.manifest(),
      isWanted: (table) => tables.has(table),
      leaveOut: (_, error) => Promise.reject(error),
    });
    throwIfCancelled(signal);
    await tables.finish(texts.items(databaseFiles.postData));
  } finally {
    await target.dropUnneeded(staging);
  }
};

/** USAGE for a name that no table of the backup has. */
const assertTablesToRename = (
  rename: readonly (readonly [from: string, to: string])[],
  { database, tables }: Contents,
): void => {
  for (const [from] of rename)
    if (!tables.some(({ name }) => name === from || plainName(database, name) === from))
      throw new HoldfastError('USAGE', `the backup of ${database} has no table ${from} to rename`, {
        hint: 'give its name as `holdfast ls` shows it: table, or database.table',
      });
};
