// 00-server.json: what a restore must know before documents come.
import { z } from 'zod';
import type { ChosenDatabase } from './choice.ts';
import type { Consistency } from './consistency.ts';
import { documentsFile, metadataFile } from './layout.ts';
import type { Collection } from './listing.ts';
import type { ServerFacts } from './server-facts.ts';

const bson = z.base64();

const collectionSchema = z.strictObject({
  name: z.string(),
  type: z.enum(['collection', 'view', 'timeseries']),
  /** The files in the database's folder; no documents for a view, and for a collection that is kept empty. */
  metadata: z.string(),
  documents: z.string().optional(),
  /** BSON, so that it comes back to the byte. */
  options: bson,
  indexes: z.array(bson),
});

const serverSchema = z.strictObject({
  server: z.literal(1),
  engine: z.literal('mongodb'),
  version: z.string(),
  topology: z.string(),
  /** 'oplog': oplog.bson must be replayed for the state to be consistent. */
  consistency: z.enum(['snapshot', 'oplog', 'none']),
  databases: z.array(z.strictObject({ name: z.string(), collections: z.array(collectionSchema) })),
});

export type ServerContents = z.infer<typeof serverSchema>;
export type ContentsDatabase = ServerContents['databases'][number];
export type ContentsCollection = ContentsDatabase['collections'][number];

export const parseContents = (text: string): ServerContents => serverSchema.parse(JSON.parse(text));

export const makeContents = (
  { version, topology }: ServerFacts,
  consistency: Consistency,
  databases: readonly ChosenDatabase[],
): ServerContents => ({
  server: 1,
  engine: 'mongodb',
  version,
  topology,
  consistency,
  databases: databases.map(({ name, collections }) => ({
    name,
    collections: collections.map(({ collection, indexes, withDocuments }) => ({
      name: collection.name,
      type: collection.type,
      metadata: metadataFile(collection.name),
      ...(withDocuments && { documents: documentsOf(collection) }),
      options: Buffer.from(collection.options).toString('base64'),
      indexes: indexes.map((index) => Buffer.from(index).toString('base64')),
    })),
  })),
});

export const documentsOf = ({ data, name }: Collection): string => documentsFile(data ?? name);
