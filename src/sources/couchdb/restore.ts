// A backup back into a server: all of it, one database, or some documents.
import { HoldfastError } from '#lib/errors.ts';
import { hadNoDatabase, nothingToRestore } from '../free-targets.ts';
import { Reporter } from '../restore-report.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import type { CouchRequestContext } from './dump.ts';
import type { PlacedEntry } from './entry-stream.ts';
import { placedEntries, textOf } from './entry-stream.ts';
import { DocumentsRestore } from './restore-documents.ts';
import { type Goal, goalFor, isChosen, type Selection, selectionOf } from './restore-goal.ts';
import { WholeRestore } from './restore-whole.ts';
import { type ServerFacts, serverFacts } from './server.ts';
import { parseServerContents } from './server-contents.ts';
import { targetState } from './target-database.ts';

/** What the restore of each database shares. */
export interface Restoring extends CouchRequestContext {
  readonly facts: ServerFacts;
  readonly into: RestoreTarget;
  readonly selection: Selection;
  readonly reporter: Reporter;
}

/** One database on its way: its files come in the order of their paths. */
export interface DatabaseRestore {
  readonly goal: Goal;
  take(entry: PlacedEntry): Promise<void>;
  /** All files have come. */
  finish(): Promise<void>;
  /** Something failed: leaves the server as it was, as far as that can be. */
  abandon(): Promise<void>;
  /** Whatever happened. */
  close(): Promise<void>;
}

export const restoreServer = async (
  request: CouchRequestContext,
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
): Promise<RestoreReport> => {
  const facts = await serverFacts(request.client);
  const reporter = new Reporter(into);
  const restoring: Restoring = { ...request, facts, into, selection: selectionOf(into), reporter };
  await assertNamedTargetIsFree(restoring);
  await restoreAll(restoring, entries);
  return reporter.report();
};

/** Before anything is read. */
const assertNamedTargetIsFree = async (restoring: Restoring): Promise<void> => {
  const named = restoring.config.url.database;
  if (named !== undefined && restoring.selection === 'everything') await assertFree(restoring, named);
};

/** TARGET_NOT_EMPTY unless it is told to replace what is there. */
export const assertFree = async ({ client, facts, into }: Restoring, database: string): Promise<void> => {
  if (into.force || (await targetState(client, facts, database)) !== 'used') return;
  throw new HoldfastError('TARGET_NOT_EMPTY', `database ${database} on ${client.server} is not empty`, {
    hint: 'name another database, or say --force to replace it with the one of the snapshot',
  });
};

const restoreAll = async (restoring: Restoring, entries: AsyncIterable<Entry>): Promise<void> => {
  const goals: Goal[] = [];
  let isEmpty = false;
  let current: DatabaseRestore | undefined;
  try {
    for await (const entry of placedEntries(entries)) {
      const { place, path } = entry;
      if (place.kind === 'server') isEmpty = (await beginServer(restoring, entry)).length === 0;
      else if (isChosen(restoring.selection, path, place.database)) {
        if (current?.goal.database !== place.database) {
          await current?.finish();
          await current?.close();
          const goal = goalFor(restoring, place.database, goals);
          goals.push(goal);
          current = goal.whole ? new WholeRestore(restoring, goal) : new DocumentsRestore(restoring, goal);
        }
        await current.take(entry);
      }
    }
    await current?.finish();
  } catch (error) {
    await current?.abandon();
    throw error;
  } finally {
    await current?.close();
  }
  if (isEmpty) restoring.reporter.warn(hadNoDatabase());
  else if (goals.length === 0) throw nothingToRestore();
};

/** Of all databases, whose names it returns: refused before any of them is written. */
const beginServer = async (restoring: Restoring, entry: PlacedEntry): Promise<readonly string[]> => {
  const { databases } = parseServerContents(await textOf(entry));
  const { into, selection } = restoring;
  for (const [from] of into.rename)
    if (!databases.includes(from))
      throw new HoldfastError('USAGE', `there is no database ${from} to rename`, {
        hint: `the snapshot has ${databases.join(', ')}`,
      });
  if (selection !== 'everything') return databases;
  const goals: Goal[] = [];
  for (const database of databases) goals.push(goalFor(restoring, database, goals));
  for (const { name } of goals) await assertFree(restoring, name);
  return databases;
};
