// The configuration of a CouchDB source.
import { z } from 'zod';
import type { Schema } from '#lib/kind.ts';
import { parsedText } from '#lib/parsed-text.ts';
import { secret } from '#lib/secret-schema.ts';
import { databaseKeys } from '../wanted-databases.ts';
import { CouchUrl } from './address.ts';

const url = parsedText((text) => new CouchUrl(text)).describe(
  'Where the server is: http://host:5984 or https://host/prefix; couchdb://host/shop (couchdbs:// with TLS) names one database.',
);

const schema = z
  .strictObject({
    url,
    user: z.string().min(1).optional().describe('The user to log in as; COUCHDB_USER unless told.'),
    password: secret().optional().describe('Its password; COUCHDB_PASSWORD unless told.'),
    ca: z.string().min(1).optional().describe('File of certificates to trust besides the usual ones.'),
    ...databaseKeys('the one of the URL, or else all. System databases are not among them'),
    systemDatabases: z
      .array(z.enum(['_users', '_replicator']))
      .default([])
      .describe('System databases to back up as well.'),
    localDocuments: z
      .boolean()
      .default(false)
      .describe(
        'Whether to keep _local documents: checkpoints of replications, and what applications put there.',
      ),
    connections: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(4)
      .describe('How many requests are under way at once.'),
    timeoutSeconds: z
      .number()
      .int()
      .min(1)
      .max(3600)
      .default(120)
      .describe('How long the server may be silent within a request.'),
  })
  .refine(({ url: given, databases }) => databases === undefined || given.database === undefined, {
    error: 'the URL names a database already: leave it out there, or leave out `databases`',
  });

export type CouchConfig = z.output<typeof schema>;
export const configSchema: Schema<CouchConfig> = schema;

/** Throws CONFIG_INVALID, without repeating a password. */
export const configFromUrl = (text: string): CouchConfig => ({
  ...schema.parse({ url: 'couchdb://localhost' }),
  url: new CouchUrl(text),
});
