// The configuration of a source on SQL Server.
import { z } from 'zod';
import { waitedSeconds } from '#lib/duration-schema.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Schema } from '#lib/kind.ts';
import { parsedText } from '#lib/parsed-text.ts';
import type { Secret } from '#lib/secret.ts';
import { secret } from '#lib/secret-schema.ts';
import { incrementsKeys } from '../increments.ts';
import { pattern } from '../patterns.ts';
import { usualPatienceSeconds } from '../silence.ts';
import { databaseKeys } from '../wanted-databases.ts';
import { type Address, ConnectionString, type Encrypt, encryptModes } from './connection-string.ts';

const url = parsedText((text) => new ConnectionString(text)).describe(
  'Where the server is: sqlserver://user@host:port/database?encrypt=strict, or a connection string of ADO.NET (Server=host;Database=shop;…).',
);

const native = z
  .strictObject({
    serverFolder: z
      .string()
      .min(1)
      .describe(
        'The folder of the backup file as the server sees it: /var/opt/mssql/backup, \\\\nas\\backup.',
      ),
    localFolder: z.string().min(1).describe('The same folder as Holdfast sees it.'),
    compression: z
      .boolean()
      .default(false)
      .describe('WITH COMPRESSION. It costs deduplication; the repository compresses.'),
  })
  .describe(
    'Instead of schema and rows, keep the file that BACKUP DATABASE … TO DISK writes into a folder that server and Holdfast share.',
  );

const schema = z
  .strictObject({
    url: url.optional(),
    host: z.string().min(1).optional().describe('Host name or address; localhost unless told.'),
    port: z.number().int().min(1).max(65_535).optional().describe('1433 unless told.'),
    instance: z
      .string()
      .min(1)
      .optional()
      .describe(
        "A named instance, looked up at the server's SQL Browser (UDP 1434); a port makes it needless.",
      ),
    user: z.string().min(1).optional().describe('The login.'),
    password: secret()
      .optional()
      .describe('Its password; without it MSSQL_PASSWORD or SQLCMDPASSWORD is asked.'),
    domain: z
      .string()
      .min(1)
      .optional()
      .describe('The Windows domain of the login: NTLM is spoken instead of SQL authentication.'),
    database: z
      .string()
      .min(1)
      .optional()
      .describe('The database to connect to, and to back up when `databases` is absent.'),
    encrypt: z
      .enum(encryptModes)
      .optional()
      .describe(
        'on (unless told): TLS after the first greeting; strict: TLS from the first byte (TDS 8); off: nothing, not even the password.',
      ),
    trustServerCertificate: z
      .boolean()
      .optional()
      .describe(
        'Take any certificate of the server. Whoever is in between can then read along; better name its authority.',
      ),
    certificateAuthority: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File (PEM) of the authority that signed the server's certificate, or of that certificate itself.",
      ),
    certificateHost: z
      .string()
      .min(1)
      .optional()
      .describe("The name in the server's certificate, when it is not the host's."),
    connectTimeoutSeconds: z.number().int().min(1).max(3600).optional().describe('15 unless told.'),
    ...databaseKeys('the one that is connected to, or all when none is named'),
    tables: z
      .array(pattern)
      .min(1)
      .optional()
      .describe('Only these tables: dbo.orders, sales.*, *.log_?, or a name in any schema.'),
    exclude: z
      .array(pattern)
      .default([])
      .describe('Tables to leave out, with their foreign keys and triggers.'),
    excludeData: z.array(pattern).default([]).describe('Tables to keep empty: definition without rows.'),
    ...incrementsKeys,
    isolation: z
      .enum(['auto', 'snapshot', 'lock'])
      .default('auto')
      .describe(
        'auto: one snapshot of the database where it allows snapshot isolation, else each table as it is when it is read; snapshot: fail where it does not; lock: each table locked against writers while it is read.',
      ),
    lockTimeoutSeconds: z
      .number()
      .int()
      .min(0)
      .max(86_400)
      .default(60)
      .describe('How long to wait for what somebody has locked; 0 for ever.'),
    timeoutSeconds: waitedSeconds(usualPatienceSeconds).describe(
      'How long the server may be silent in the middle of the rows of a table that is backed up, besides waiting for locks.',
    ),
    bulkLoad: z
      .enum(['auto', 'never'])
      .default('auto')
      .describe(
        'auto: a restore loads rows in bulk where a trial shows that the server takes it right, and by INSERT otherwise.',
      ),
    native: native.optional(),
  })
  .refine(
    ({ url: given, host, port, instance, user, domain, database }) =>
      !given || !(host || port || instance || user || domain || database),
    {
      error: '`url` stands for host, port, instance, user, domain and database: give it or them',
    },
  )
  .refine(
    ({ native: given, tables, exclude, excludeData }) =>
      !given || !(tables || exclude.length > 0 || excludeData.length > 0),
    {
      error: '`native` keeps whole databases: it cannot choose tables',
    },
  )
  .superRefine(({ native: given, isolation, bulkLoad, timeoutSeconds }, context) => {
    if (!given) return;
    const idle = Object.entries({ isolation, bulkLoad, timeoutSeconds }).filter(
      ([, value]) => value !== 'auto' && value !== usualPatienceSeconds,
    );
    for (const [key] of idle)
      context.addIssue({ code: 'custom', path: [key], message: 'is for rows, which `native` does not read' });
  });

export type SqlServerConfig = z.infer<typeof schema>;
export const configSchema: Schema<SqlServerConfig> = schema;

/** Throws CONFIG_INVALID, without repeating a password. */
export const configFromUrl = (text: string): SqlServerConfig => ({
  ...schema.parse({}),
  url: new ConnectionString(text),
});

/** Where and as whom to connect, with everything decided. */
export interface ConnectionSettings {
  readonly host: string;
  readonly port: number | undefined;
  readonly instance: string | undefined;
  readonly user: string;
  readonly domain: string | undefined;
  /** The database that was named; undefined when none was. */
  readonly database: string | undefined;
  readonly encrypt: Encrypt;
  readonly trustServerCertificate: boolean;
  readonly certificateAuthority: string | undefined;
  readonly certificateHost: string | undefined;
  /** Said when connecting, so that a group of servers may answer with a readable copy. */
  readonly readOnlyIntent: boolean;
  readonly multiSubnetFailover: boolean;
  readonly connectTimeoutMs: number;
  readonly lockTimeoutMs: number;
  /** 'db.internal:1433' or 'db.internal\SALES': for messages. */
  readonly server: string;
  /** Read when it is needed: a file or a command may lie behind it. */
  password(): string;
}

export const settingsOf = (
  config: SqlServerConfig,
  environment: NodeJS.ProcessEnv = process.env,
): ConnectionSettings => {
  const given: Address = { ...config.url?.address, ...definedOf(config) };
  const { host = 'localhost', instance, user = environment.SQLCMDUSER ?? '' } = given;
  if (user === '')
    throw new HoldfastError('CONFIG_INVALID', 'no login is named for SQL Server', {
      hint: 'set `user`, or write it into the URL: sqlserver://holdfast@host/database',
    });
  const port = given.port ?? (instance === undefined ? 1433 : undefined);
  const password: Secret | undefined = config.password ?? config.url?.password;
  return {
    host,
    port,
    instance: port === undefined ? instance : undefined,
    user,
    domain: given.domain,
    database: given.database,
    encrypt: given.encrypt ?? 'on',
    trustServerCertificate: given.trustServerCertificate ?? false,
    certificateAuthority: given.certificateAuthority,
    certificateHost: given.certificateHost,
    readOnlyIntent: given.readOnlyIntent ?? false,
    multiSubnetFailover: given.multiSubnetFailover ?? false,
    connectTimeoutMs: (given.connectTimeoutSeconds ?? 15) * 1000,
    lockTimeoutMs: config.lockTimeoutSeconds === 0 ? -1 : config.lockTimeoutSeconds * 1000,
    server: port === undefined ? `${host}\\${instance}` : `${host}:${port}`,
    password: () => password?.reveal() ?? environment.MSSQL_PASSWORD ?? environment.SQLCMDPASSWORD ?? '',
  };
};

const definedOf = (config: SqlServerConfig): Address => {
  const { host, port, instance, user, domain, database, encrypt, trustServerCertificate } = config;
  const { certificateAuthority, certificateHost, connectTimeoutSeconds } = config;
  const given = { host, port, instance, user, domain, database, encrypt, trustServerCertificate };
  const all = { ...given, certificateAuthority, certificateHost, connectTimeoutSeconds };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
};
