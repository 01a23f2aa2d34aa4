// What MariaDB and MySQL say when something fails, told apart by their numbers
// (https://mariadb.com/kb/en/mariadb-error-code-reference/, https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html).
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import type { ConnectionSettings } from './settings.ts';

/** An error that the server itself sent. */
export class ServerError extends Error {
  readonly errno: number;
  readonly state: string;

  constructor(errno: number, state: string, message: string) {
    super(message);
    this.errno = errno;
    this.state = state;
  }
}

export const errnoOf = (error: unknown): number | undefined =>
  error instanceof ServerError ? error.errno : undefined;

export const errno = {
  engineError: 1030,
  unknownDatabase: 1049,
  unknownColumn: 1054,
  syntax: 1064,
  noSuchTable: 1146,
  wrongValue: 1231,
  unknownCollation: 1273,
  lockWaitTimeout: 1205,
  deadlock: 1213,
  viewInvalid: 1356,
  queryInterrupted: 1317,
  packetTooLarge: 1153,
  optionPrevents: 1290,
  packetTooLargeForResult: 1301,
  tableDefinitionChanged: 1412,
  cannotCreateUser: 1396,
  noSuchUser: 1133,
  noSuchGrant: 1141,
  localInfileOff: 1148,
  localInfileRefused: 3948,
  noBackupStage: 4146,
  localInfileForbidden: 4166,
} as const;

/** The right that is missing, or the object that may not be used. */
export const isDenied = (error: unknown): boolean =>
  [1044, 1045, 1142, 1143, 1227, 1370, 1410, 1698].includes(errnoOf(error) ?? 0);

/** The server takes no writes, as a replica mostly does. */
export const isReadOnly = (error: unknown): boolean =>
  errnoOf(error) === errno.optionPrevents && /read[-_]only/.test(messageOf(error));

/**
 * The server could not do what it was asked, which says nothing of what it was: no room (on disk, in memory, in a packet or a table of
 * locks), somebody who stopped it or whom it waited for, a limit of time, no writes, a right that is missing.
 */
export const saysNothing = (error: unknown): boolean =>
  isDenied(error) ||
  inabilities.has(errnoOf(error) ?? 0) ||
  (errnoOf(error) === errno.engineError && /error (28|122)\b|no space|quota/i.test(messageOf(error)));

const inabilities: ReadonlySet<number> = new Set([
  ...[3, 5, 1021, 1026, 1028, 1037, 1038, 1041, 1114, 1135, 1206],
  ...[errno.lockWaitTimeout, errno.deadlock, errno.queryInterrupted, 1053, 1927, 1969, 3024],
  ...[errno.packetTooLarge, errno.packetTooLargeForResult, errno.optionPrevents, 1419, 1836],
]);

/** LOAD DATA LOCAL is switched off on the server. */
export const isInfileOff = (error: unknown): boolean =>
  [errno.localInfileOff, errno.localInfileRefused, errno.localInfileForbidden].some(
    (number) => number === errnoOf(error),
  );

/** The error for a connection that could not be made. */
export const connectError = (error: unknown, settings: ConnectionSettings): Error => {
  if (error instanceof HoldfastError) return error;
  const { server, user } = settings;
  const [code, hint] = connectProblem(error, settings);
  return new HoldfastError(
    code,
    `cannot connect to the server at ${server} as ${user}: ${messageOf(error)}`,
    {
      hint,
      cause: error,
    },
  );
};

type ConnectCode = 'SOURCE_DENIED' | 'SOURCE_UNREACHABLE';

const connectProblem = (
  error: unknown,
  { user, host, database }: ConnectionSettings,
): readonly [ConnectCode, string | undefined] => {
  switch (driverErrno(error) ?? systemCode(error)) {
    case 1045:
    case 1698:
      return ['SOURCE_DENIED', `check the password of ${user}, and from which hosts it may log in`];
    case 1044:
      return ['SOURCE_DENIED', `grant ${user} rights on database ${database}`];
    case 1049:
      return ['SOURCE_UNREACHABLE', 'check the name of the database'];
    case 1040:
    case 1203:
    case 1226:
      return ['SOURCE_UNREACHABLE', 'lower `connections`, or raise max_connections on the server'];
    case 1130:
    case 1129:
      return ['SOURCE_DENIED', `let ${user} in from this host`];
    case 3159:
    case 'HANDSHAKE_NO_SSL_SUPPORT':
      return ['SOURCE_DENIED', 'one side wants TLS and the other does not: see sslMode'];
    case 'HANDSHAKE_SSL_ERROR':
      return ['SOURCE_DENIED', 'check sslMode and sslCa against the certificate of the server'];
    case 'AUTH_SWITCH_PLUGIN_ERROR':
    case 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED':
      return [
        'SOURCE_DENIED',
        `the server wants another way to log in than ${user} has; see docs/sources/mysql.md`,
      ];
    case 'ECONNREFUSED':
    case 'ENOENT':
      return ['SOURCE_UNREACHABLE', 'is the server running, and does it listen there?'];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['SOURCE_UNREACHABLE', `"${host}" is not known to the name service: check the name`];
    default:
      return ['SOURCE_UNREACHABLE', 'check host, port and firewall'];
  }
};

/** The driver's own errors during login carry the server's number. */
const driverErrno = (error: unknown): number | undefined =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' && error.errno > 0
    ? error.errno
    : undefined;

/** The error for a connection that broke while it was in use. */
export const lostError = (error: unknown, server: string): HoldfastError =>
  error instanceof HoldfastError
    ? error
    : new HoldfastError('SOURCE_UNREACHABLE', `the connection to ${server} was lost: ${messageOf(error)}`, {
        hint: "the server's log says whether it or the network ended it; then run again",
        cause: error,
      });
