// Whether there is room for what is to be restored, asked before anything is written.
import { HoldfastError } from '#lib/errors.ts';
import type { RestoreTarget } from '../source.ts';
import type { Connection } from './connect.ts';
import { listCollections } from './listing.ts';
import { isInternal } from './patterns.ts';
import type { Plan } from './restore-goal.ts';

/** TARGET_NOT_EMPTY for a database that has collections, or a collection that is there. */
export const assertTargetsAreFree = async (
  connection: Connection,
  { goals, wholeDatabases }: Plan,
  { force, records, query }: RestoreTarget,
): Promise<void> => {
  if (force) return;
  for (const database of new Set(
    goals.filter(({ isAccounts }) => !isAccounts).map(({ into }) => into.database),
  )) {
    const present = (await listCollections(connection, database))
      .map(({ name }) => name)
      .filter((name) => !isInternal(name));
    const taken = goals.find(({ into }) => into.database === database && present.includes(into.name));
    if (wholeDatabases.includes(database)) {
      if (present.length > 0) throw databaseUsed(database, connection.server);
    } else if (taken) {
      const single = records !== undefined || query !== undefined;
      throw collectionUsed(`${database}.${taken.into.name}`, single);
    }
  }
};

const databaseUsed = (database: string, server: string): HoldfastError =>
  new HoldfastError('TARGET_NOT_EMPTY', `database ${database} on ${server} is not empty`, {
    hint: 'name another database, or say --force to replace the collections that the snapshot has',
  });

const collectionUsed = (collection: string, single: boolean): HoldfastError =>
  new HoldfastError('TARGET_NOT_EMPTY', `collection ${collection} is there already`, {
    hint: single
      ? 'give it another name with --as, or say --force to put the documents among those that are there'
      : 'give it another name with --as, or say --force to replace it with the one of the snapshot',
  });
