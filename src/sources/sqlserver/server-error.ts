// What SQL Server says when something fails, told apart by its numbers
// (https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors).
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import type { ConnectionSettings } from './config.ts';

export const number = {
  invalidColumn: 207,
  invalidObject: 208,
  permissionDenied: 229,
  columnPermissionDenied: 230,
  deadlocked: 1205,
  lockTimeout: 1222,
  snapshotNotAllowed: 3952,
  changedBySomebody: 3961,
  schemaChanged: 3998,
  cannotOpenDatabase: 4060,
  inUse: 5030,
  loginUntrusted: 18_452,
  loginFailed: 18_456,
  loginDisabled: 18_470,
  loginLocked: 18_486,
  passwordExpired: 18_487,
  passwordToChange: 18_488,
  inMemory: 41_332,
} as const;

/** An error that the server itself sent. */
export interface ServerError extends Error {
  readonly number: number;
}

/** The first of several errors of one statement: it tells why, the others that it failed. */
export const serverErrorOf = (error: unknown): ServerError | undefined => {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error) || !('number' in first) || typeof first.number !== 'number') return undefined;
  return first as ServerError;
};

/** The number, or undefined for what did not come from the server. */
export const errorNumber = (error: unknown): number | undefined => serverErrorOf(error)?.number;

export const serverMessage = (error: unknown): string => messageOf(serverErrorOf(error) ?? error);

/** The server could not do what it was asked, for want of room, memory or a right, or because it waited for somebody: that says nothing of what it was. */
export const saysNothing = (error: unknown): boolean => inabilities.has(errorNumber(error) ?? 0);

const inabilities: ReadonlySet<number> = new Set([
  ...[number.permissionDenied, number.columnPermissionDenied, 262, 297, 300, 15_247],
  ...[701, 802, 1101, 1105, 1204, 8645, 8651, 9002, number.deadlocked, number.lockTimeout],
]);

/** An error that the server told while logging in; the driver keeps only the text of the last. */
export interface LoginMessage {
  readonly number: number;
  readonly message: string;
}

/** The error for a connection that could not be made. */
export const connectError = (
  error: unknown,
  messages: readonly LoginMessage[],
  settings: ConnectionSettings,
  database: string | undefined,
): HoldfastError => {
  if (error instanceof HoldfastError) return error;
  const { server, user } = settings;
  const said = messages[0]?.message ?? messageOf(deepest(error));
  const [code, hint] = connectProblem(error, messages, settings, database);
  return new HoldfastError(
    code,
    `cannot connect to SQL Server at ${server} as ${user}: ${said.replaceAll(/\s*\n\s*/g, ' ')}`,
    {
      hint,
      cause: error,
    },
  );
};

type ConnectCode = 'SOURCE_DENIED' | 'SOURCE_UNREACHABLE';

const connectProblem = (
  error: unknown,
  messages: readonly LoginMessage[],
  { user, instance, encrypt }: ConnectionSettings,
  database: string | undefined,
): readonly [ConnectCode, string] => {
  const numbers = messages.map((message) => message.number);
  if (numbers.includes(number.cannotOpenDatabase))
    return [
      'SOURCE_DENIED',
      `check the name of the database ${database ?? ''}, and that it is online; ${user} needs to be a user of it`,
    ];
  const code = systemCode(error);
  // A server that is starting, pausing or too busy says so in place of a login.
  if (numbers.length > 0 && !numbers.some((each) => loginProblems.has(each)))
    return [
      'SOURCE_UNREACHABLE',
      'its message says why: it may be starting, paused or busy, or keep this address out',
    ];
  if (numbers.length > 0 || code === 'ELOGIN')
    return [
      'SOURCE_DENIED',
      `check login and password of ${user}: the configuration, MSSQL_PASSWORD or SQLCMDPASSWORD`,
    ];
  if (code === 'EENCRYPT') {
    const told =
      encrypt === 'off'
        ? 'the server asks for TLS: set encrypt to "on"'
        : 'the server offers no TLS: set encrypt to "off" if the network is trusted';
    return ['SOURCE_DENIED', told];
  }
  if (code === 'EINSTLOOKUP' || instance !== undefined)
    return [
      'SOURCE_UNREACHABLE',
      'name the port instead of the instance, or let UDP 1434 through to the SQL Browser',
    ];
  const cause = deepest(error);
  if (isTlsProblem(cause))
    return [
      'SOURCE_DENIED',
      "name the authority of the server's certificate with certificateAuthority, and its name with certificateHost if that is another",
    ];
  if (/ENOTFOUND|EAI_AGAIN/.test(`${systemCode(cause)} ${messageOf(cause)}`))
    return ['SOURCE_UNREACHABLE', 'the host is not known to the name service: check the name'];
  return [
    'SOURCE_UNREACHABLE',
    'is the server running, does it listen there over TCP, and does the firewall let it through?',
  ];
};

const loginProblems = new Set<number>([
  number.loginUntrusted,
  number.loginFailed,
  number.loginDisabled,
  number.loginLocked,
  number.passwordExpired,
  number.passwordToChange,
]);

const deepest = (error: unknown): unknown => {
  const within =
    error instanceof AggregateError ? error.errors[0] : error instanceof Error ? error.cause : undefined;
  return within === undefined ? error : deepest(within);
};

/** OpenSSL's and Node's codes for a certificate or a handshake that was refused. */
const isTlsProblem = (error: unknown): boolean =>
  /CERT|SIGNATURE|ISSUER|SSL|TLS|ALTNAME/.test(systemCode(error) ?? '') ||
  /SSL|certificate/.test(messageOf(error));

/** The error for a connection that broke while it was in use. */
export const lostError = (error: unknown, server: string): HoldfastError =>
  error instanceof HoldfastError
    ? error
    : new HoldfastError(
        'SOURCE_UNREACHABLE',
        `the connection to SQL Server at ${server} was lost: ${messageOf(deepest(error))}`,
        {
          hint: "the server's log says whether it or the network ended it; then run again",
          cause: error,
        },
      );
