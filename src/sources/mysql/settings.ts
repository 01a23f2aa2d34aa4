// Where and as whom to connect, with everything decided that the servers' own clients decide.
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { HoldfastError } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import type { Secret } from '#lib/secret.ts';
import { type Environment, gatherParameters, type Parameters } from './parameters.ts';
import { type TlsAttempt, tlsAttempts } from './tls.ts';

export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  /** The path of a Unix socket; then host and port are not used. */
  readonly socket: string | undefined;
  readonly user: string;
  /** The database that was named; undefined when none was. */
  readonly database: string | undefined;
  readonly tls: readonly TlsAttempt[];
  readonly connectTimeoutMs: number;
  /** 'db.internal:3306' or the socket's path: for messages. */
  readonly server: string;
  /** Read when it is needed: a file or a command may lie behind it. */
  password(): string | undefined;
}

export interface Given {
  readonly parameters: Parameters;
  readonly password?: Secret | undefined;
  readonly defaultsFile?: string | undefined;
}

/** Resolves what is given, the option file and the environment. `password` goes before all of them. */
export const resolveSettings = (given: Given, environment: Environment = process.env): ConnectionSettings => {
  const parameters = gatherParameters(given.parameters, given.defaultsFile, environment);
  const socket = socketOf(parameters);
  const host = parameters.host ?? 'localhost';
  const port = toNumber(parameters.port ?? '3306', 'port', 65_535);
  return {
    host,
    port,
    socket,
    user: parameters.user ?? userInfo().username,
    database: parameters.database,
    tls: tlsAttempts(parameters, socket === undefined ? host : undefined),
    connectTimeoutMs: toNumber(parameters['connect-timeout'] ?? '60', 'connect-timeout', 86_400) * 1000,
    server: socket ?? `${host}:${port}`,
    password: () => given.password?.reveal() ?? parameters.password,
  };
};

/** As the clients have it, `localhost` is the socket, unless a port is named. */
const socketOf = ({ socket, host, port }: Parameters): string | undefined => {
  if (socket !== undefined) return expandHome(socket);
  if (port !== undefined || (host !== undefined && host !== 'localhost')) return undefined;
  return ['/run/mysqld/mysqld.sock', '/var/lib/mysql/mysql.sock', '/tmp/mysql.sock'].find((path) =>
    existsSync(path),
  );
};

const toNumber = (text: string, name: string, largest: number): number => {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number <= largest) return number;
  throw new HoldfastError('CONFIG_INVALID', `${name} "${text}" is no number from 1 to ${largest}`);
};
