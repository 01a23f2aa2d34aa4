// One file of a backup into the server.
import { foreignSnapshot } from '../damaged-snapshot.ts';
import { manifestSchema } from '../manifest.ts';
import { textOf } from '../restore-report.ts';
import { elementAt } from './bson.ts';
import { type Chooser, filterInServer } from './filter.ts';
import { parsePath } from './layout.ts';
import { bucketsOf } from './listing.ts';
import { loadDocuments } from './load-documents.ts';
import { isRecord } from './records.ts';
import { keepOplog } from './replay.ts';
import type { RestoredFile, Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';
import { stage } from './staging.ts';
import { loadAccounts } from './users.ts';

/** Files of collections that nobody asked for are passed over without being read. */
export const loadEntry = async (restoring: Restoring, { path, content }: RestoredFile): Promise<void> => {
  const { plan, staged } = restoring;
  const place = parsePath(path);
  if (place.kind === 'manifest')
    staged.manifests.set(place.database, manifestSchema.parse(JSON.parse(await textOf(path, content))));
  if (place.kind === 'oplog') await keepOplog(restoring, { path, content });
  if (place.kind !== 'documents') return;
  const goal = plan.goals.find(
    ({ database, collection }) => database === place.database && collection.documents === place.file,
  );
  if (goal) await loadCollection(restoring, goal, { path, content });
  else assertKnown(restoring, place.database, place.file);
};

const loadCollection = async (
  restoring: Restoring,
  goal: Goal,
  { path, content }: RestoredFile,
): Promise<void> => {
  const { connection, reporter, staged } = restoring;
  const label = `${goal.database}.${goal.collection.name}`;
  const counted = reporter.counted(path, content)();
  const key = `${goal.database}/${goal.collection.documents}`;
  if (goal.isAccounts) {
    staged.loaded.set(key, await loadAccounts(restoring, goal, counted));
    return;
  }
  const at = await stage(restoring, goal);
  const isSeries = goal.collection.type === 'timeseries';
  const name = isSeries ? bucketsOf(at.name, connection.facts) : at.name;
  const options = Buffer.from(goal.collection.options, 'base64');
  const choose = await chooserOf(restoring, at.database);
  const count = await loadDocuments(
    {
      connection,
      place: { database: at.database, name },
      label,
      inOrder: elementAt(options, 'capped')?.value[0] === 1,
      choose,
      ...(isSeries && connection.facts.hasRawData && { options: { rawData: true } }),
    },
    counted,
  );
  staged.loaded.set(key, count);
};

/** What leaves out the documents that were not asked for. */
const chooserOf = async (restoring: Restoring, database: string): Promise<Chooser | undefined> => {
  const { query, records } = restoring.into;
  if (query !== undefined) return await filterInServer(restoring, database, query);
  return records && (async (documents) => documents.filter((document) => isRecord(document, records)));
};

const assertKnown = ({ contents }: Restoring, database: string, file: string): void => {
  const known = contents.databases.find(({ name }) => name === database)?.collections;
  if (known?.some(({ documents }) => documents === file)) return;
  throw foreignSnapshot(`the snapshot has documents in ${database}/${file}, but no such collection`);
};
