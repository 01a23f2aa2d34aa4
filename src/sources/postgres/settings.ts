// Where and as whom to connect, with everything decided that libpq decides.
import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import type { Secret } from '#lib/secret.ts';
import { type Environment, gatherParameters, type Parameters } from './parameters.ts';
import { passwordFromFile } from './passfile.ts';
import { type TlsAttempt, tlsAttempts, tlsMode } from './tls.ts';

export interface ConnectionSettings {
  /** A host's name or address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The database that was named; undefined when none was. */
  readonly database: string | undefined;
  readonly tls: readonly TlsAttempt[];
  readonly options: string | undefined;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  /** 'db.internal:5432' or the socket's path: for messages. */
  readonly server: string;
  /** Read when it is needed: a file or a command may lie behind it. */
  password(database: string): string | undefined;
  /** The same connection for libpq's own programs. */
  environment(database: string): NodeJS.ProcessEnv;
}

/** Resolves what is given, the service file and the environment. `password` goes before all of them. */
export const resolveSettings = (
  given: Parameters,
  password: Secret | undefined,
  environment: Environment = process.env,
): ConnectionSettings => {
  const parameters = gatherParameters(given, environment);
  const port = toPort(parameters.port);
  const host = parameters.host ?? usualHost(port);
  const user = parameters.user ?? userInfo().username;
  const passfile = expandHome(parameters.passfile ?? join(homedir(), '.pgpass'));
  const findPassword = (database: string): string | undefined =>
    password?.reveal() ?? parameters.password ?? passwordFromFile(passfile, { host, port, database, user });
  return {
    host,
    port,
    user,
    database: parameters.dbname,
    tls: tlsAttempts(parameters, host),
    options: parameters.options,
    applicationName: parameters.application_name ?? 'holdfast',
    connectTimeoutMs: toSeconds(parameters.connect_timeout) * 1000,
    server: host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : `${host}:${port}`,
    password: findPassword,
    environment: (database) => ({
      ...withoutLibpq(environment),
      ...programEnvironment(parameters, { host, port, user, database, password: findPassword(database) }),
    }),
  };
};

const toPort = (text = '5432'): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new HoldfastError('CONFIG_INVALID', `"${text}" is no port number`);
};

/** As libpq has it, zero waits for ever; unlike libpq, a minute is the default, since no wait should be endless. */
const toSeconds = (text = '60'): number => {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 0) return seconds;
  throw new HoldfastError('CONFIG_INVALID', `connect_timeout "${text}" is no number of seconds`);
};

/** The folder in which the server's socket lies, where Debian's packages and PostgreSQL's own build put it. */
const usualHost = (port: number): string =>
  ['/var/run/postgresql', '/tmp'].find((folder) => existsSync(join(folder, `.s.PGSQL.${port}`))) ??
  'localhost';

const withoutLibpq = (environment: Environment): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !/^PG[A-Z]+$/.test(name)));

interface Decided {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
}

const programEnvironment = (parameters: Parameters, decided: Decided): NodeJS.ProcessEnv => {
  const values = {
    PGHOST: decided.host,
    PGPORT: `${decided.port}`,
    PGUSER: decided.user,
    PGDATABASE: decided.database,
    PGPASSWORD: decided.password,
    PGSSLMODE: tlsMode(parameters),
    PGSSLROOTCERT: filePath(parameters.sslrootcert),
    PGSSLCERT: filePath(parameters.sslcert),
    PGSSLKEY: filePath(parameters.sslkey),
    PGOPTIONS: parameters.options,
    PGAPPNAME: parameters.application_name ?? 'holdfast',
    PGCONNECT_TIMEOUT: `${toSeconds(parameters.connect_timeout)}`,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
};

const filePath = (path: string | undefined): string | undefined => path && expandHome(path);
