// Where collections wait until all of a restore is there.
import { messageOf } from '#lib/errors.ts';
import { lateSignal } from '#lib/outliving.ts';
import type { RowCount } from '#lib/row-checksum.ts';
import type { Manifest } from '../manifest.ts';
import { connect } from './connect.ts';
import { stagingPrefix } from './layout.ts';
import { listCollections } from './listing.ts';
import { createCollection, dropCollection, type Place } from './new-collection.ts';
import type { Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';

export interface Staged {
  /** Makes the names of this restore its own. */
  readonly suffix: string;
  /** Where each collection is now. */
  readonly collections: Map<Goal, Place>;
  /** What was loaded, by database and file of the backup. */
  readonly loaded: Map<string, RowCount>;
  /** By database of the backup. */
  readonly manifests: Map<string, Manifest>;
}

/** Makes the collection where its documents are to go for now. */
export const stage = async (restoring: Restoring, goal: Goal): Promise<Place> => {
  const { connection, staged, into } = restoring;
  const known = staged.collections.get(goal);
  if (known) return known;
  if (goal.collection.type === 'timeseries') {
    if (into.force) await dropCollection(connection, goal.into);
    await createCollection(connection, goal.collection, goal.into);
    staged.collections.set(goal, goal.into);
    return goal.into;
  }
  const place = stagingPlace(restoring, goal.into.database, `${staged.collections.size}`);
  staged.collections.set(goal, place);
  await createCollection(connection, goal.collection, place);
  return place;
};

/** A place of this restore's own, which is tidied up with it. */
export const stagingPlace = ({ staged }: Restoring, database: string, name: string): Place => ({
  database,
  name: stagingPrefix(staged.suffix) + name,
});

/** Tidies up what will not be finished; on a connection of its own, because the other may be the reason. */
export const dropStaged = async ({ config, staged, plan, context }: Restoring): Promise<void> => {
  const prefix = stagingPrefix(staged.suffix);
  try {
    await using connection = await connect(config, lateSignal(context.signal));
    for (const database of new Set(plan.goals.map(({ into }) => into.database)))
      for (const { name } of await listCollections(connection, database))
        if (name.startsWith(prefix)) await dropCollection(connection, { database, name });
    for (const [goal, place] of staged.collections)
      if (place === goal.into) await dropCollection(connection, place);
  } catch (error) {
    context.log.warn(
      { error: messageOf(error) },
      `collections named ${prefix}* may be left in the target; drop them`,
    );
  }
};
