// The configuration of a MariaDB or MySQL source.
import { z } from 'zod';
import { waitedSeconds } from '#lib/duration-schema.ts';
import type { Schema } from '#lib/kind.ts';
import { parsedText } from '#lib/parsed-text.ts';
import { secret } from '#lib/secret-schema.ts';
import { incrementsKeys } from '../increments.ts';
import { pattern } from '../patterns.ts';
import { usualPatienceSeconds } from '../silence.ts';
import { databaseKeys } from '../wanted-databases.ts';
import { mysqlUrl } from './connection-url.ts';
import type { Parameters } from './parameters.ts';
import { type ConnectionSettings, resolveSettings } from './settings.ts';
import { tlsModes } from './tls.ts';

const url = parsedText(mysqlUrl).describe(
  'Where the server is: mysql://user@host:port/database?ssl-mode=verify-identity.',
);

const name = z.string().min(1);

const schema = z
  .strictObject({
    url: url.optional(),
    host: name
      .optional()
      .describe('Host name or address; localhost, unless told with a port, is the Unix socket.'),
    port: z.number().int().min(1).max(65_535).optional().describe('3306 unless told.'),
    socket: name.optional().describe('The path of the Unix socket, instead of host and port.'),
    user: name.optional().describe('The user to log in as.'),
    password: secret()
      .optional()
      .describe('Its password; without it the option file and MYSQL_PWD are asked, as the clients do.'),
    database: name
      .optional()
      .describe('The database to connect to, and to back up when `databases` is absent.'),
    defaultsFile: name
      .optional()
      .describe('An option file whose [client] group says how to connect; ~/.my.cnf unless told.'),
    sslMode: z
      .enum(tlsModes)
      .optional()
      .describe(
        "As MySQL's clients have it: preferred unless told, verify-ca with sslCa; verify-identity is safe.",
      ),
    sslCa: name.optional().describe('File of the authorities to trust; those of the machine unless told.'),
    sslCert: name.optional().describe("File of the client's certificate."),
    sslKey: name.optional().describe("File of the client's key, without a passphrase."),
    ...databaseKeys('the one that is connected to, or all when none is named'),
    tables: z
      .array(pattern)
      .min(1)
      .optional()
      .describe('Only these tables, views and sequences: orders, shop.orders, shop.*, or *.log_?.'),
    exclude: z.array(pattern).default([]).describe('Tables, views and sequences to leave out.'),
    excludeData: z.array(pattern).default([]).describe('Tables to keep empty: definition without rows.'),
    ...incrementsKeys,
    routines: z.boolean().default(true).describe('Whether to keep procedures, functions and packages.'),
    triggers: z.boolean().default(true).describe('Whether to keep triggers.'),
    events: z.boolean().default(true).describe('Whether to keep events.'),
    users: z.boolean().default(false).describe('Whether to keep users, roles and their grants.'),
    lockNonTransactional: z
      .boolean()
      .default(false)
      .describe(
        'Whether to lock MyISAM, Aria and other such tables until they are read, so that they belong to the same state.',
      ),
    lockTimeoutSeconds: z
      .number()
      .int()
      .min(1)
      .max(86_400)
      .default(60)
      .describe(
        'How long to try for the moment of stillness that several connections need, and to wait for a table.',
      ),
    timeoutSeconds: waitedSeconds(usualPatienceSeconds).describe(
      'How long the server may be silent in the middle of the rows of a table that is backed up.',
    ),
    connections: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(3)
      .describe('How many tables are read or written at once.'),
  })
  .refine(
    ({ url: given, host, port, socket, user, database }) =>
      !given || !(host || port || socket || user || database),
    { error: '`url` stands for host, port, socket, user and database: give the one or the others' },
  );

export type MysqlConfig = z.infer<typeof schema>;
export const configSchema: Schema<MysqlConfig> = schema;

/** Throws CONFIG_INVALID, without repeating a password. */
export const configFromUrl = (text: string): MysqlConfig => ({
  ...schema.parse({}),
  url: mysqlUrl(text),
});

/** Where and as whom this configuration connects, option file and environment included. */
export const settingsOf = (config: MysqlConfig): ConnectionSettings => {
  const given = {
    host: config.host,
    port: config.port === undefined ? undefined : `${config.port}`,
    socket: config.socket,
    user: config.user,
    database: config.database,
    'ssl-mode': config.sslMode,
    'ssl-ca': config.sslCa,
    'ssl-cert': config.sslCert,
    'ssl-key': config.sslKey,
  };
  const parameters: Parameters = {
    ...config.url?.parameters,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  const password = config.password ?? config.url?.password;
  return resolveSettings({ parameters, password, defaultsFile: config.defaultsFile });
};
