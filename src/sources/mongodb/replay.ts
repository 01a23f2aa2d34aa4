// The oplog of a backup, applied to what was restored. It comes before most of the documents, because files come in the order of
// their names, so it waits in a collection of its own.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { documentAt, emptyDocument, encode } from './bson.ts';
import type { ContentsCollection } from './contents.ts';
import { loadDocuments } from './load-documents.ts';
import { createCollection, dropCollection, type Place } from './new-collection.ts';
import { OplogSteps, type Renaming, type Step } from './oplog-steps.ts';
import type { RestoredFile, Restoring } from './restore.ts';
import { choosesDocuments } from './restore-goal.ts';
import { code, serverCode } from './server-error.ts';
import { stagingPlace } from './staging.ts';

/** Keeps the oplog in the target until the documents are there. */
export const keepOplog = async (restoring: Restoring, { path, content }: RestoredFile): Promise<void> => {
  const { connection, reporter, into } = restoring;
  const place = placeOf(restoring);
  if (!place) return;
  if (choosesDocuments(into)) {
    reporter.warn('what was written during the backup is not replayed onto single documents');
    return;
  }
  await createCollection(connection, plain, place);
  await loadDocuments(
    { connection, place, label: 'the oplog', inOrder: true },
    reporter.counted(path, content)(),
  );
};

const plain: ContentsCollection = {
  name: 'oplog',
  type: 'collection',
  metadata: '',
  options: emptyDocument.toString('base64'),
  indexes: [],
};

const placeOf = (restoring: Restoring): Place | undefined => {
  const [first] = restoring.plan.goals;
  return first && stagingPlace(restoring, first.into.database, 'oplog');
};

/** Brings all that was restored to the moment at which the backup ended. */
export const replayOplog = async (restoring: Restoring): Promise<void> => {
  const { connection, contents, context, into } = restoring;
  const place = placeOf(restoring);
  if (contents.consistency !== 'oplog' || !place || choosesDocuments(into)) return;
  const steps = new OplogSteps(renamingOf(restoring));
  try {
    for await (const batch of connection.batches(place.database, { find: place.name, sort: { $natural: 1 } }))
      for (const entry of batch)
        for (const step of steps.of(entry)) {
          throwIfCancelled(context.signal);
          await perform(restoring, step);
        }
  } finally {
    await dropCollection(connection, place);
  }
};

/** Collections that are restored, and in databases that are restored as a whole also those made during the backup. */
const renamingOf = ({ plan }: Restoring): Renaming => {
  const collections = new Map(
    plan.goals.map(({ database, collection, into }) => [`${database}.${collection.name}`, into]),
  );
  const databases = new Map(
    plan.goals
      .filter(({ into }) => plan.wholeDatabases.includes(into.database))
      .map(({ database, into }) => [database, into.database]),
  );
  return (database, name) => {
    const known = collections.get(`${database}.${name}`);
    const whole = databases.get(database);
    const made = known || whole === undefined ? undefined : plan.nameOf(name);
    return known ?? (whole === undefined || made === undefined ? undefined : { database: whole, name: made });
  };
};

const perform = async ({ connection }: Restoring, step: Step): Promise<void> => {
  try {
    if (step.kind === 'command') await connection.command(step.database, step.command);
    else if (isFaithful(step)) await connection.command('admin', { applyOps: [step.entry] });
    else await insertAsItIs(connection, step);
  } catch (error) {
    const number = serverCode(error);
    if (number === undefined) throw error;
    if (step.kind === 'command' && harmless.includes(number)) return;
    throw new HoldfastError(
      'TARGET_FAILED',
      `a write that was made during the backup could not be repeated: ${messageOf(error)}`,
      {
        hint:
          number === code.unauthorized
            ? 'the user needs anyAction on anyResource to replay an oplog, as for mongorestore --oplogReplay'
            : 'what was captured is restored, as of no single moment; restore another snapshot',
        cause: error,
      },
    );
  }
};

/** An index that is there already, or gone already: the collection was read after the change. */
const harmless: readonly number[] = [27, 85, 86, code.namespaceNotFound];

type Apply = Extract<Step, { readonly kind: 'apply' }>;

/** Whether the driver writes the document that is inserted as it was: not when it holds text that is not UTF-8, or a DBPointer or undefined, as drivers of long ago wrote them. */
const isFaithful = ({ entry, raw }: Apply): boolean => {
  const change = entry.get('o');
  const original = documentAt(raw, 'o');
  return (
    entry.get('op') === 'c' ||
    (change instanceof Map && original !== undefined && encode(change).equals(original))
  );
};

const insertAsItIs = async (connection: Restoring['connection'], { entry, raw }: Apply): Promise<void> => {
  const document = documentAt(raw, 'o');
  const [database = '', ...name] = String(entry.get('ns')).split('.');
  if (entry.get('op') !== 'i' || !document)
    throw new HoldfastError(
      'TARGET_FAILED',
      `a change of a document in ${database}.${name.join('.')} holds text that is not UTF-8, or a value of a type that is no longer in use`,
    );
  try {
    await connection.insert(database, name.join('.'), [document]);
  } catch (error) {
    if (serverCode(error) !== code.duplicateKey) throw error; // it was read after it was written
  }
};
