// Tables, or a schema, into a database that may be in use: in one transaction, so that others see all of it or nothing.
import { throwIfCancelled } from '#lib/clock.ts';
import { assertTargetIsThere } from '../free-targets.ts';
import { assertTablesToRename, type Parts } from '../schema-tables.ts';
import { connect } from './connect.ts';
import { DatabaseTexts } from './database-texts.ts';
import { databaseFiles } from './layout.ts';
import { assertComplete, loadRows, type RowLoader, tableOf } from './load-rows.ts';
import { PartTables } from './part-tables.ts';
import type { Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';
import { ensureRoles } from './restore-roles.ts';
import { searchPathFor } from './row-places.ts';
import { createRunner } from './run-items.ts';

export const restoreParts = async (restoring: Restoring, goal: Goal, parts: Parts): Promise<void> => {
  const { settings, context, target, reporter, stream, into } = restoring;
  await assertTargetIsThere(restoring, goal.name);
  const texts = new DatabaseTexts(stream, goal.database);
  await texts.readUntilRows();
  const contents = texts.contents();
  const rename = into.rename.filter(([from]) => from !== goal.database);
  assertTablesToRename(rename, contents);
  await ensureRoles(target, contents.roles, reporter);
  await using connection = await connect(settings, goal.name, context.signal);
  const tables = new PartTables({
    connection,
    contents,
    reporter,
    runner: createRunner({
      reporter,
      tablespaces: target.tablespaces,
      searchPathOf: (item) => searchPathFor(contents, item),
    }),
    preData: texts.items(databaseFiles.preData),
    force: into.force,
    superuser: target.superuser,
    rename,
  });
  const loader: RowLoader = { contents, reporter, loaded: new Map() };
  await connection.query('begin');
  await tables.begin(parts);
  while (await texts.readUntilRows())
    for await (const entry of stream.rows(goal.database)) {
      throwIfCancelled(context.signal);
      if (entry.place.kind !== 'table') continue;
      const table = tableOf(contents, entry.place.table);
      await loadRows(loader, connection, entry, await tables.targetOf(table));
    }
  assertComplete(loader, texts.manifest(), (table) => tables.has(table), false);
  await tables.finish(texts.items(databaseFiles.postData));
  await connection.query('commit');
};
