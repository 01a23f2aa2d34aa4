// The configuration of a PostgreSQL source.
import { z } from 'zod';
import { waitedSeconds } from '#lib/duration-schema.ts';
import type { Schema } from '#lib/kind.ts';
import { parsedText } from '#lib/parsed-text.ts';
import type { Secret } from '#lib/secret.ts';
import { secret } from '#lib/secret-schema.ts';
import { incrementsKeys } from '../increments.ts';
import { pattern } from '../patterns.ts';
import { usualPatienceSeconds } from '../silence.ts';
import { databaseKeys } from '../wanted-databases.ts';
import { postgresUrl } from './connection-url.ts';
import type { Parameters } from './parameters.ts';
import { type ConnectionSettings, resolveSettings } from './settings.ts';
import { tlsModes } from './tls.ts';

const url = parsedText(postgresUrl).describe(
  'Where the server is: postgres://user@host:port/database?sslmode=verify-full, as libpq has it.',
);

const schema = z
  .strictObject({
    url: url.optional(),
    host: z.string().min(1).optional().describe('Host name, address, or the folder of a Unix socket.'),
    port: z.number().int().min(1).max(65_535).optional().describe('5432 unless told.'),
    user: z.string().min(1).optional().describe('The role to log in as.'),
    password: secret()
      .optional()
      .describe('Its password; without it PGPASSWORD and ~/.pgpass are asked, as libpq does.'),
    database: z
      .string()
      .min(1)
      .optional()
      .describe('The database to connect to, and to back up when `databases` is absent.'),
    service: z.string().min(1).optional().describe('A service of ~/.pg_service.conf.'),
    sslmode: z
      .enum(tlsModes)
      .optional()
      .describe('As libpq has it: prefer unless told; verify-full is safe.'),
    sslrootcert: z.string().min(1).optional().describe('File of the authorities to trust, or "system".'),
    sslcert: z.string().min(1).optional().describe("File of the client's certificate."),
    sslkey: z.string().min(1).optional().describe("File of the client's key, without a passphrase."),
    ...databaseKeys('the one that is connected to, or all when none is named'),
    tables: z
      .array(pattern)
      .min(1)
      .optional()
      .describe('Only these tables: public.orders, shop.*, *.log_?, or a name in any schema.'),
    exclude: z
      .array(pattern)
      .default([])
      .describe('Tables to leave out, and with them what cannot be without them: partitions, heirs, views.'),
    excludeData: z.array(pattern).default([]).describe('Tables to keep empty: definition without rows.'),
    ...incrementsKeys,
    unlogged: z.boolean().default(true).describe('Whether to keep the rows of unlogged tables.'),
    largeObjects: z
      .boolean()
      .optional()
      .describe('Whether to keep large objects: yes, unless `tables` chooses tables.'),
    connections: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(3)
      .describe('How many tables are read or written at once.'),
    rangeMiB: z
      .number()
      .int()
      .min(1)
      .max(1_048_576)
      .default(128)
      .describe(
        'Larger tables are read in parts of this size. Changing it stores all large tables anew, once.',
      ),
    lockTimeoutSeconds: z
      .number()
      .int()
      .min(0)
      .max(86_400)
      .default(60)
      .describe('How long to wait for a table that somebody has locked exclusively; 0 for ever.'),
    timeoutSeconds: waitedSeconds(usualPatienceSeconds).describe(
      'How long the server may be silent in the middle of the rows of a table that is backed up.',
    ),
    pgDump: z.string().min(1).optional().describe('The pg_dump to use; found by itself unless told.'),
  })
  .refine(
    ({ url: given, host, port, user, database, service }) =>
      !given || !(host || port || user || database || service),
    {
      error: '`url` stands for host, port, user, database and service: give the one or the others',
    },
  );

export type PostgresConfig = z.infer<typeof schema>;
export const configSchema: Schema<PostgresConfig> = schema;

/** Throws CONFIG_INVALID, without repeating a password. */
export const configFromUrl = (text: string): PostgresConfig => ({
  ...schema.parse({}),
  url: postgresUrl(text),
});

/** Where and as whom this configuration connects, the environment included. */
export const settingsOf = (config: PostgresConfig): ConnectionSettings => {
  const { host, port, user, database, service, sslmode, sslrootcert, sslcert, sslkey } = config;
  const given = {
    host,
    port: port === undefined ? undefined : `${port}`,
    user,
    dbname: database,
    service,
    sslmode,
    sslrootcert,
    sslcert,
    sslkey,
  };
  const parameters: Parameters = { ...config.url?.parameters, ...withoutUndefined(given) };
  const password: Secret | undefined = config.password ?? config.url?.password;
  return resolveSettings(parameters, password);
};

const withoutUndefined = (parameters: Record<string, string | undefined>): Parameters =>
  Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
