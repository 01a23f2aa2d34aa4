// Routines, views, triggers and events, made when the tables are there.
import { asError } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import { binaryIdentifier } from './binary-text.ts';
import type { Connection } from './connect.ts';
import { databaseFiles, databasePath } from './layout.ts';
import type { Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';
import { runItem } from './run-items.ts';
import { ServerError } from './server-error.ts';
import { collateDatabase, type SqlItem } from './sql-items.ts';

/** What could not be made, and why. */
export interface Unmade {
  readonly goal: Goal;
  readonly item: SqlItem;
  readonly error: Error;
}

/** What failed is tried again as long as that helps: it may need another. */
export const makePrograms = async (
  connection: Connection,
  items: readonly SqlItem[],
  goal: Goal,
  reporter: Reporter,
): Promise<readonly Unmade[]> => {
  let left = items;
  for (;;) {
    const unmade: Unmade[] = [];
    for (const item of left)
      try {
        await runAsWritten(connection, inDatabase(item, goal.database, goal.name), reporter);
      } catch (error) {
        if (!connection.usable) throw error;
        unmade.push({ goal, item, error: asError(error) });
      }
    if (unmade.length === left.length || unmade.length === 0) return unmade;
    left = unmade.map(({ item }) => item);
  }
};

/** Once all databases are there: a view may look into one that came later. */
export const makeLeftPrograms = async (
  { target, context, reporter }: Pick<Restoring, 'target' | 'context' | 'reporter'>,
  unmade: readonly Unmade[],
): Promise<void> => {
  let left = unmade;
  for (let before = left.length + 1; left.length > 0 && left.length < before; ) {
    before = left.length;
    const still: Unmade[] = [];
    for (const [goal, own] of Map.groupBy(left, (each) => each.goal)) {
      await using connection = await target.connectTo(goal.name, context.signal);
      const items = own.map(({ item }) => item);
      still.push(...(await makePrograms(connection, items, goal, reporter)));
    }
    left = still;
  }
  for (const each of left) reportUnmade(each, reporter);
};

const reportUnmade = ({ goal, error }: Unmade, reporter: Reporter): void =>
  reporter.fail(`${databasePath(goal.database)}/${databaseFiles.postData}`, error);

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
