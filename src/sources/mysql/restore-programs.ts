// Routines, views, triggers and events, made when the tables are there.
import { asError } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import { binaryIdentifier } from './binary-text.ts';
import type { Connection } from './connect.ts';
import { databaseFiles, databasePath } from './layout.ts';
import type { Goal } from './restore-goal.ts';
import { runItem } from './run-items.ts';
import type { SqlItem } from './sql-items.ts';

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
        await runItem(connection, item, reporter);
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
