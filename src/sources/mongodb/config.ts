// The configuration of a MongoDB source.
import { z } from 'zod';
import type { Schema } from '#lib/kind.ts';
import { parsedText } from '#lib/parsed-text.ts';
import { secret } from '#lib/secret-schema.ts';
import { incrementsKeys } from '../increments.ts';
import { pattern } from '../patterns.ts';
import { databaseKeys } from '../wanted-databases.ts';
import { ConnectionUrl } from './connection-url.ts';

const url = parsedText((text) => new ConnectionUrl(text)).describe(
  'Where the server is: mongodb://user@host:port/database?replicaSet=rs0, with the options of MongoDB’s own tools.',
);

const schema = z.strictObject({
  url,
  user: z.string().min(1).optional().describe('Who to log in as, when the URL does not say.'),
  password: secret().optional().describe('The password, when the URL does not hold it.'),
  ...databaseKeys('the one in the URL, or all when it names none. "all" is without admin, config and local'),
  collections: z
    .array(pattern)
    .min(1)
    .optional()
    .describe('Only these collections and views: orders, log.*, or with the database: shop.orders.'),
  exclude: z.array(pattern).default([]).describe('Collections and views to leave out.'),
  excludeData: z
    .array(pattern)
    .default([])
    .describe('Collections to keep empty: options and indexes without documents.'),
  ...incrementsKeys,
  users: z.boolean().default(false).describe('Whether to keep all users and roles of the server.'),
  consistency: z
    .enum(['auto', 'snapshot', 'oplog', 'none'])
    .default('auto')
    .describe(
      'How all collections are read as of one moment: "snapshot" reads (5.0 and newer), "oplog" recorded meanwhile and replayed at restore, or "none". "auto" takes the best the server can do.',
    ),
  connections: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(3)
    .describe('How many collections are read or written at once.'),
  rangeMiB: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(8)
    .describe('Larger collections are read in ranges of _id of about this size, side by side.'),
});

export type MongodbConfig = z.infer<typeof schema>;
export const configSchema: Schema<MongodbConfig> = schema;

/** Throws CONFIG_INVALID, without repeating a password. */
export const configFromUrl = (text: string): MongodbConfig => {
  const parsed = new ConnectionUrl(text);
  return { ...schema.parse({ url: 'mongodb://localhost' }), url: parsed };
};
