// Collections, indexes and views, made by the definitions of a backup.
import { decode, elementAt } from './bson.ts';
import type { Command, Connection } from './connect.ts';
import type { ContentsCollection } from './contents.ts';
import { isIdIndex } from './listing.ts';
import { code, serverCode } from './server-error.ts';

export interface Place {
  readonly database: string;
  readonly name: string;
}

/** Options that servers of today tell, but no longer take. */
const pastOptions: readonly string[] = ['autoIndexId', 'flags', 'temp', 'recordIdsReplicated'];

/** Makes it with its options; with the index on _id that it had, when that is not the plain one. */
export const createCollection = async (
  connection: Connection,
  { options, indexes }: ContentsCollection,
  { database, name }: Place,
): Promise<void> => {
  const given = decode(Buffer.from(options, 'base64'));
  for (const option of pastOptions) given.delete(option);
  const raw = indexes.map((index) => Buffer.from(index, 'base64'));
  const idIndex = raw.find((index) => isIdIndex(index) && elementAt(index, 'collation'));
  const command = {
    create: name,
    ...Object.fromEntries(given),
    ...(idIndex && { idIndex: withoutNamespace(idIndex) }),
  };
  await connection.command(database, command);
};

export interface IndexTrouble {
  readonly index: string;
  readonly error: unknown;
  /** It is there, without the options that today's servers do not know. */
  readonly isBuilt: boolean;
}

/** Builds all but the one on _id, which is there. Each that fails is named; the others are built. */
export const createIndexes = async (
  connection: Connection,
  { indexes }: ContentsCollection,
  { database, name }: Place,
): Promise<IndexTrouble[]> => {
  const specifications = indexes
    .map((index) => Buffer.from(index, 'base64'))
    .filter((index) => !isIdIndex(index) && !elementAt(index, 'clustered'))
    .map(withoutNamespace);
  if (specifications.length === 0) return [];
  try {
    await connection.command(database, { createIndexes: name, indexes: specifications });
    return [];
  } catch (error) {
    if (serverCode(error) === undefined) throw error;
  }
  const troubles: IndexTrouble[] = [];
  for (const specification of specifications) {
    const command = { createIndexes: name, indexes: [specification] };
    const error = await refusal(connection, database, command);
    if (error === undefined) continue;
    // Servers of long ago took any option, and indexes kept it (`safe`, `w`).
    const isBuilt =
      serverCode(error) === code.invalidIndexOption &&
      (await refusal(connection, database, { ...command, ignoreUnknownIndexOptions: true })) === undefined;
    troubles.push({ index: String(specification.get('name')), error, isBuilt });
  }
  return troubles;
};

/** What the server has against a command; undefined when it did it. */
const refusal = async (connection: Connection, database: string, command: Command): Promise<unknown> => {
  try {
    await connection.command(database, command);
    return undefined;
  } catch (error) {
    if (serverCode(error) === undefined) throw error;
    return error;
  }
};

/** The indexes by which the server removes documents, and the time before which these are past theirs. */
export const expiringIndexes = (
  { indexes }: ContentsCollection,
  now: Date,
): { readonly index: string; readonly field: string; readonly expired: Date }[] =>
  indexes.flatMap((bytes) => {
    const index = decode(Buffer.from(bytes, 'base64'));
    const seconds = Number(index.get('expireAfterSeconds') ?? Number.NaN);
    const [field] =
      index.get('key') instanceof Map ? [...(index.get('key') as Map<string, unknown>).keys()] : [];
    const expired = new Date(now.getTime() - seconds * 1000);
    if (field === undefined || Number.isNaN(expired.getTime())) return [];
    return [{ index: String(index.get('name')), field, expired }];
  });

/** Old servers keep the collection's name in each index; it may have another one now. */
export const withoutNamespace = (index: Uint8Array): Map<string, unknown> => {
  const specification = decode(index);
  specification.delete('ns');
  return specification;
};

/** Drops it, when there is one. */
export const dropCollection = async (connection: Connection, { database, name }: Place): Promise<void> => {
  try {
    await connection.command(database, { drop: name });
  } catch (error) {
    if (serverCode(error) !== code.namespaceNotFound) throw error;
  }
};

/** Gives it its name; one that has it already is dropped in the same step. */
export const renameCollection = async (
  connection: Connection,
  { database, name }: Place,
  to: string,
): Promise<void> => {
  const command = { renameCollection: `${database}.${name}`, to: `${database}.${to}`, dropTarget: true };
  await connection.command('admin', command);
};
