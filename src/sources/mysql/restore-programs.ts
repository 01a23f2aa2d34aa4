// Routines, views, triggers and events, made when the tables are there.
import { asError } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import { binaryIdentifier } from './binary-text.ts';
import type { Connection } from './connect.ts';
import { databaseFiles, databasePath } from './layout.ts';
import type { Goal } from './restore-goal.ts';
import { runItem } from './run-items.ts';
import { ServerError } from './server-error.ts';
import { collateDatabase, type SqlItem } from './sql-items.ts';

/** Each one that fails is reported; the others go on. What failed is tried again as long as that helps: it may need another. */
export const restorePrograms = async (
  connection: Connection,
  items: readonly SqlItem[],
  { database, name }: Goal,
  reporter: Reporter,
): Promise<void> => {
  let left = items.map((item) => inDatabase(item, database, name));
  for (;;) {
    const failures: { item: SqlItem; error: unknown }[] = [];
    for (const item of left)
      try {
        await runAsWritten(connection, item, reporter);
      } catch (error) {
        if (!connection.usable) throw error;
        failures.push({ item, error });
      }
    if (failures.length === left.length || failures.length === 0) {
      for (const { error } of failures)
        reporter.fail(`${databasePath(database)}/${databaseFiles.postData}`, asError(error));
      return;
    }
    left = failures.map(({ item }) => item);
  }
};

/** With the database's collation as it was when somebody wrote the item: its variables have it. */
const runAsWritten = async (connection: Connection, item: SqlItem, reporter: Reporter): Promise<void> => {
  const collation = item.session?.databaseCollation?.written;
  const [own] = collation
    ? await connection.query<{ now: string }>('select @@collation_database as now')
    : [];
  if (collation === undefined || own === undefined || own.now === collation)
    return await runItem(connection, item, reporter);
  try {
    await connection.run(collateDatabase(collation));
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    reporter.warn(
      `${item.type} ${item.name} gets the collation ${own.now} of the database: ${error.message}`,
    );
    return await runItem(connection, item, reporter);
  }
  try {
    await runItem(connection, item, reporter);
  } finally {
    if (connection.usable) await connection.run(collateDatabase(own.now));
  }
};

/** A view that looks into several databases names its own too. */
const inDatabase = (item: SqlItem, from: string, to: string): SqlItem => {
  if (item.type !== 'view' || from === to) return item;
  const own = binaryIdentifier(from);
  const place = new RegExp(`((?:from|join)[\\s(]*)${escaped(own)}(?=\\.\`)`, 'g');
  return {
    ...item,
    statement: item.statement.replace(place, (_, before: string) => before + binaryIdentifier(to)),
  };
};

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
