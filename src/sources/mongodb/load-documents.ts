// The documents of one collection into the server.
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { createRowCounter, type RowCount } from '#lib/row-checksum.ts';
import type { Content } from '../source.ts';
import type { Command, Connection } from './connect.ts';
import { type BatchLimits, batchesOf } from './documents.ts';
import type { Chooser } from './filter.ts';
import type { Place } from './new-collection.ts';
import { serverCode } from './server-error.ts';
import { insertAsTheyAre } from './zero-timestamps.ts';

/** Of one message, as mongorestore has them; servers are slower with larger ones, and each waits in memory. */
const batchBytes = 2 * 1024 * 1024;
const batchDocuments = 1000;
/** For what stands in the message beside the documents. */
const besideDocuments = 64 * 1024;
/** So many batches of one collection are under way at once. */
const batchesAtOnce = 4;

export interface Load {
  readonly connection: Connection;
  /** Where the documents go. */
  readonly place: Place;
  /** In messages. */
  readonly label: string;
  /** Capped collections keep the order in which documents come. */
  readonly inOrder: boolean;
  /** Options of the command that inserts them. */
  readonly options?: Command;
  /** Those of a batch that are wanted; all, unless told. */
  readonly choose?: Chooser | undefined;
}

/** What came out of the backup, counted before any were left out. */
export const loadDocuments = async (load: Load, content: Content): Promise<RowCount> => {
  const { connection, place, label, inOrder, choose } = load;
  const counter = createRowCounter('bson');
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      counter.update(chunk);
      yield chunk;
    }
  };
  await forEachLimit(
    batchesOf(counted(), limitsOf(connection)),
    inOrder ? 1 : batchesAtOnce,
    async ({ documents }) => {
      const wanted = choose ? await choose(documents) : documents;
      if (wanted.length === 0) return;
      try {
        await insertAsTheyAre(connection, place, wanted, load.options);
      } catch (error) {
        if (serverCode(error) === undefined) throw error;
        throw new HoldfastError(
          'TARGET_FAILED',
          `documents of ${label} could not be restored: ${messageOf(error)}`,
          {
            hint: 'the server’s message says which document; the backup itself is whole',
            cause: error,
          },
        );
      }
    },
  );
  return counter.finish();
};

const limitsOf = ({ facts }: Connection): BatchLimits => ({
  bytes: Math.min(batchBytes, facts.maxMessageBytes - besideDocuments),
  documents: Math.min(batchDocuments, facts.maxWriteBatch),
});
