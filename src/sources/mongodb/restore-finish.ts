// When all documents are there: what was loaded is compared with what was captured, indexes are built, and everything gets its
// name.
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { damagedSnapshot } from '../damaged-snapshot.ts';
import type { Manifest } from '../manifest.ts';
import { findCollection } from './listing.ts';
import {
  createCollection,
  createIndexes,
  dropCollection,
  expiringIndexes,
  type Place,
  renameCollection,
} from './new-collection.ts';
import { replayOplog } from './replay.ts';
import type { Restoring } from './restore.ts';
import { choosesDocuments, type Goal } from './restore-goal.ts';
import { serverCode } from './server-error.ts';
import { stage } from './staging.ts';
import { mergeAccounts } from './users.ts';

export const finishRestore = async (restoring: Restoring): Promise<void> => {
  const { config, plan, staged, into } = restoring;
  const collections = plan.goals.filter((goal) => isThere(restoring, goal));
  await forEachLimit(collections, config.connections, async (goal) => void (await indexed(restoring, goal)));
  for (const [goal, place] of staged.collections) {
    // Where nothing was there before, it goes again when one of the others fails, also when only the answer is lost.
    if (!into.force && !choosesDocuments(into)) staged.collections.set(goal, goal.into);
    await settle(restoring, goal, place);
  }
  staged.collections.clear(); // they are where they belong: no failure takes them away again
  for (const goal of plan.goals)
    if (goal.collection.type === 'view' && !isChosenByFiles(restoring)) await makeView(restoring, goal);
  await mergeAccounts(restoring);
  await replayOplog(restoring);
};

/** Gives it its name. Single documents go among those of a collection that is there, in the place of the ones with their _id. */
const settle = async ({ connection, into }: Restoring, goal: Goal, place: Place): Promise<void> => {
  if (place === goal.into) return;
  const { database, name } = goal.into;
  if (!choosesDocuments(into) || !(await findCollection(connection, database, name)))
    return await renameCollection(connection, place, name);
  const merge = { into: name, on: '_id', whenMatched: 'replace', whenNotMatched: 'insert' };
  await connection.list(database, { aggregate: place.name, pipeline: [{ $merge: merge }], cursor: {} });
  await dropCollection(connection, place);
};

const indexed = async (restoring: Restoring, goal: Goal): Promise<void> => {
  const { connection, reporter } = restoring;
  const place = await stage(restoring, goal); // a collection that is kept empty has no documents that came before
  for (const { index, error, isBuilt } of await createIndexes(connection, goal.collection, place)) {
    const what = `index ${index} of ${goal.database}.${goal.collection.name}`;
    if (isBuilt)
      reporter.warn(`${what} was built without an option unknown to the server: ${messageOf(error)}`);
    else
      reporter.fail(
        `${goal.database}/${goal.collection.metadata}`,
        new HoldfastError('TARGET_FAILED', `${what} could not be built: ${messageOf(error)}`, {
          hint: 'its documents are all there; build the index by hand when its cause is gone',
          cause: error,
        }),
      );
  }
  await warnOfExpired(restoring, goal, place);
};

/** The server removes what is past its time within a minute, and nobody would know where it went. */
const warnOfExpired = async (
  { connection, context, reporter }: Restoring,
  goal: Goal,
  place: Place,
): Promise<void> => {
  for (const { index, field, expired } of expiringIndexes(goal.collection, context.clock.now())) {
    const query = { [field]: { $lt: expired } };
    const { n } = await connection.command(place.database, { count: place.name, query, limit: 1 });
    if (Number(n) > 0)
      reporter.warn(
        `the server removes the documents of ${goal.database}.${goal.collection.name} that are past their time by its index ${index}: ` +
          'to keep them, restore with its ttlMonitorEnabled set to false, and drop the index',
      );
  }
};

const makeView = async ({ connection, reporter, into }: Restoring, goal: Goal): Promise<void> => {
  try {
    if (into.force) await dropCollection(connection, goal.into);
    await createCollection(connection, goal.collection, goal.into);
  } catch (error) {
    if (serverCode(error) === undefined) throw error;
    reporter.fail(
      `${goal.database}/${goal.collection.metadata}`,
      new HoldfastError(
        'TARGET_FAILED',
        `view ${goal.database}.${goal.collection.name} could not be made: ${messageOf(error)}`,
        {
          cause: error,
        },
      ),
    );
  }
};

/** Patterns chose files; then a collection is wanted when its documents have come. */
const isChosenByFiles = ({ into }: Restoring): boolean => into.selection?.length === 0;

/**
 * Whether a collection can be finished. TARGET_FAILED for the first difference between what was captured and what was loaded,
 * which nothing but damage explains.
 */
const isThere = (restoring: Restoring, { database, collection, isAccounts }: Goal): boolean => {
  const { staged, reporter } = restoring;
  if (collection.type === 'view' || isAccounts) return false;
  if (collection.documents === undefined) return !isChosenByFiles(restoring);
  const manifest: Manifest | undefined = staged.manifests.get(database);
  const name = `${database}.${collection.name}`;
  const loaded = staged.loaded.get(`${database}/${collection.documents}`);
  const missing = manifest?.missing.find((each) => each.name === collection.name);
  if (missing) reporter.warn(`${name} is not whole in the snapshot: ${missing.reason}`);
  if (!loaded && isChosenByFiles(restoring)) return false;
  // Where nothing can be lost by it, what was not captured is there without documents.
  if (!loaded && missing) return !restoring.into.force;
  const captured = manifest?.tables.find((each) => each.name === collection.name);
  if (!loaded || !captured)
    throw damagedSnapshot(
      `the snapshot lacks ${loaded ? `the count of ${name}` : `${database}/${collection.documents}`}`,
    );
  if (loaded.rows === captured.rows && loaded.checksum === captured.checksum) return true;
  throw damagedSnapshot(
    `${name} was captured with ${captured.rows} documents in ${captured.bytes} bytes and restored with ${loaded.rows} in ${loaded.bytes}`,
  );
};
