// 00-server.json and 00-database.json: what the server and its databases are.
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';

const serverSchema = z.strictObject({
  server: z.literal(1),
  engine: z.literal('couchdb'),
  vendor: z.string(),
  version: z.string(),
  databases: z.array(z.string()),
});

const databaseSchema = z.strictObject({
  database: z.literal(1),
  name: z.string(),
  partitioned: z.boolean(),
  shards: z.number().int().positive().optional(),
  revisionsLimit: z.number().int().positive().optional(),
  documents: z.number().int(),
  deleted: z.number().int().optional(),
  updateSeq: z.string(),
  purgeSeq: z.string(),
  createdAt: z.string().optional(),
});

export type ServerContents = z.infer<typeof serverSchema>;
export type DatabaseContents = z.infer<typeof databaseSchema>;

export const parseServerContents = (text: string): ServerContents => parse(serverSchema, text, 'server');
export const parseDatabaseContents = (text: string): DatabaseContents =>
  parse(databaseSchema, text, 'database');

const parse = <Value>(schema: z.ZodType<Value>, text: string, what: string): Value => {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new HoldfastError('TARGET_FAILED', `the snapshot does not say what its ${what} is`, {
      cause,
      hint: 'it was made by another version, or not by holdfast; restore it into a folder',
    });
  }
};
