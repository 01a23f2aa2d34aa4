// What a server has: its databases and their collections, with options and indexes as raw BSON.
import { byBytes } from '#lib/byte-order.ts';
import { documentAt, elementAt, elementsOf, emptyDocument, stringAt } from './bson.ts';
import type { Connection } from './connect.ts';
import { bucketsPrefix } from './layout.ts';
import type { ServerFacts } from './server-facts.ts';

export interface Collection {
  readonly database: string;
  readonly name: string;
  readonly type: 'collection' | 'view' | 'timeseries';
  /** Raw BSON. */
  readonly options: Uint8Array;
  /** 32 hex digits; '' for a view. */
  readonly uuid: string;
  /** The collection whose documents are read: its own name, or that of a time series' buckets; undefined for a view. */
  readonly data: string | undefined;
  /** Documents come in the order of _id, or, where that is not their own order or there is no such index, as they lie. */
  readonly order: 'id' | 'natural';
}

export const listDatabases = async (connection: Connection): Promise<string[]> => {
  const reply = await connection.command('admin', { listDatabases: 1, nameOnly: true });
  const databases = reply.databases as readonly { readonly name: string }[];
  return databases.map(({ name }) => name).toSorted(byBytes);
};

export const listCollections = async (connection: Connection, database: string): Promise<Collection[]> => {
  const documents = await connection.list(database, { listCollections: 1 });
  return documents
    .map((document) => collectionOf(connection, database, document))
    .toSorted((a, b) => byBytes(a.name, b.name));
};

/** The collection as it is now, undefined when there is none of that name. */
export const findCollection = async (
  connection: Connection,
  database: string,
  name: string,
): Promise<Collection | undefined> => {
  const [document] = await connection.list(database, { listCollections: 1, filter: { name } });
  return document && collectionOf(connection, database, document);
};

const collectionOf = ({ facts }: Connection, database: string, document: Uint8Array): Collection => {
  const name = stringAt(document, 'name') ?? '';
  const given = stringAt(document, 'type');
  const type = given === 'view' || given === 'timeseries' ? given : 'collection';
  const options = documentAt(document, 'options') ?? emptyDocument;
  const has = (option: string): boolean => elementAt(options, option)?.value[0] === 1;
  const lacksIdIndex = elementAt(options, 'autoIndexId')?.value[0] === 0;
  return {
    database,
    name,
    type,
    options,
    uuid: uuidOf(documentAt(document, 'info') ?? emptyDocument),
    data: type === 'view' ? undefined : type === 'timeseries' ? bucketsOf(name, facts) : name,
    order: has('capped') || lacksIdIndex ? 'natural' : 'id',
  };
};

/** Where the documents of a time series lie. */
export const bucketsOf = (name: string, { hasRawData }: ServerFacts): string =>
  hasRawData ? name : bucketsPrefix + name;

/** Binary of subtype 4, after its length and subtype. */
const uuidOf = (info: Uint8Array): string => elementAt(info, 'uuid')?.value.toString('hex', 5) ?? '';

/** As raw BSON, the one on _id first, as the server tells them. */
export const listIndexes = async (
  connection: Connection,
  { database, name }: Collection,
): Promise<Uint8Array[]> => await connection.list(database, { listIndexes: name });

export interface CollectionSize {
  readonly bytes: number;
  readonly documents: number;
}

/** By the server's own statistics, which may be a little behind. */
export const sizeOf = async (
  connection: Connection,
  { database, data }: Collection,
): Promise<CollectionSize> => {
  const reply = await connection.command(database, { collStats: data });
  return { bytes: Number(reply.size ?? 0), documents: Number(reply.count ?? 0) };
};

/** The index that every collection has by itself. */
export const isIdIndex = (index: Uint8Array): boolean => {
  const key = documentAt(index, 'key') ?? emptyDocument;
  const names = [...elementsOf(key)].map(({ name }) => name);
  return names.length === 1 && names[0] === '_id' && stringAt(index, 'name') === '_id_';
};
