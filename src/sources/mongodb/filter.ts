// A restore of those documents that a query finds. The server itself judges them, so a query means what it means there: each
// batch goes into a collection of its own, and what the query finds in it is taken.
import { randomUUID } from 'node:crypto';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { isDocument, parseExtendedJson } from './bson.ts';
import { dropCollection } from './new-collection.ts';
import type { Restoring } from './restore.ts';
import { serverCode } from './server-error.ts';
import { stagingPlace } from './staging.ts';
import { insertAsTheyAre } from './zero-timestamps.ts';

/** Those of a batch that are wanted. */
export type Chooser = (documents: readonly Uint8Array[]) => Promise<readonly Uint8Array[]>;

/** A filter by a query in extended JSON. USAGE when the server does not take it. */
export const filterInServer = async (
  restoring: Restoring,
  database: string,
  query: string,
): Promise<Chooser> => {
  const { connection } = restoring;
  const filter = parseQuery(query);
  const found = async (name: string): Promise<Uint8Array[]> => {
    try {
      return await connection.list(database, { find: name, filter, sort: { $natural: 1 } });
    } catch (error) {
      if (serverCode(error) === undefined) throw error;
      throw new HoldfastError('USAGE', `the server does not take the query ${query}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };
  await found(stagingPlace(restoring, database, 'query').name); // a query that is wrong fails before anything is written
  return async (documents) => {
    const { name } = stagingPlace(restoring, database, `query.${randomUUID()}`);
    try {
      await insertAsTheyAre(connection, { database, name }, documents);
      return await found(name);
    } finally {
      await dropCollection(connection, { database, name });
    }
  };
};

const parseQuery = (text: string): unknown => {
  const refused = (why: string): HoldfastError =>
    new HoldfastError('USAGE', `the query ${text} is not one: ${why}`, {
      hint: 'write it as extended JSON: {"status": "open", "_id": {"$gt": {"$oid": "…"}}}',
    });
  let query: unknown;
  try {
    query = parseExtendedJson(text);
  } catch (error) {
    throw refused(messageOf(error));
  }
  if (isDocument(query)) return query;
  throw refused('a query is a document');
};
