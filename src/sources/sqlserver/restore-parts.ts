// Tables into a database that may be in use: in one transaction, so that others see all of it or nothing.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { assertTargetIsThere } from '../free-targets.ts';
import { assertTablesToRename, type Parts } from '../schema-tables.ts';
import { bulkWorks } from './bulk-rows.ts';
import { connect } from './connect.ts';
import { DatabaseTexts } from './database-texts.ts';
import { plainName } from './identifiers.ts';
import { assertComplete, type Loaded, loadRows, tableOf } from './load-rows.ts';
import { PartTables } from './part-tables.ts';
import type { Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';

export const restoreParts = async (restoring: Restoring, goal: Goal, parts: Parts): Promise<void> => {
  const { config, settings, context, reporter, stream, into } = restoring;
  await assertTargetIsThere(restoring, goal.name);
  const texts = new DatabaseTexts(stream, goal.database);
  if ((await texts.readUntilRows()) && (await stream.isNative()))
    throw new HoldfastError(
      'TARGET_FAILED',
      `${goal.database} was kept as the server's own backup, which has no tables to choose`,
      {
        hint: 'restore the whole database under another name, and copy the table',
      },
    );
  const contents = texts.contents();
  const rename = into.rename.filter(([from]) => from !== goal.database);
  assertTablesToRename(rename, { database: contents.database.name, tables: contents.tables });
  const { signal } = context;
  await using connection = await connect(settings, goal.name, signal);
  const bulk = config.bulkLoad === 'auto' && (await bulkWorks(() => connect(settings, goal.name, signal)));
  const tables = new PartTables({ connection, contents, reporter, signal, force: into.force, rename });
  const loaded: Loaded = new Map();
  await connection.run('SET XACT_ABORT ON', 'BEGIN TRANSACTION');
  await tables.begin(parts);
  while (await texts.readUntilRows())
    for await (const { path, place, content } of stream.rows(goal.database)) {
      throwIfCancelled(signal);
      const table = tableOf(contents, place.table);
      const request = {
        connection,
        table,
        into: await tables.targetOf(table),
        bulk,
        signal,
        inTransaction: true,
      };
      loaded.set(plainName(table), await loadRows(request, reporter.counted(path, content)));
    }
  assertComplete(loaded, contents, texts.manifest(), {
    isWanted: (table) => tables.has(table),
    warn: (text) => reporter.warn(text),
  });
  await tables.finish();
  await connection.run('COMMIT TRANSACTION', 'SET XACT_ABORT OFF');
  await tables.decorate();
};
