// Where collections wait until all of a restore is there.
import type { RowCount } from '#lib/row-checksum.ts';
import type { Manifest } from '../manifest.ts';
import { connect } from './connect.ts';
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
  const { database, name } = goal.into;
  const isFixed = goal.collection.type === 'timeseries';
  const place = isFixed
    ? goal.into
    : { database, name: `holdfast.${staged.suffix}.${staged.collections.size}` };
  staged.collections.set(goal, place);
  if (isFixed && into.force) await dropCollection(connection, { database, name });
  await createCollection(connection, goal.collection, place);
  return place;
};

/** Tidies up what will not be finished; on a connection of its own, because the other may be the reason. */
export const dropStaged = async ({ config, staged, context }: Restoring): Promise<void> => {
  try {
    await using connection = await connect(config, new AbortController().signal);
    for (const place of staged.collections.values()) await dropCollection(connection, place);
  } catch (error) {
    context.log.warn(
      { err: error },
      `collections named holdfast.${staged.suffix}.* may be left in the target; drop them`,
    );
  }
};
