// What PostgreSQL says when something fails, told apart by its codes
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
import { HoldfastError, hasCode, messageOf, systemCode } from '#lib/errors.ts';
import type { ConnectionSettings } from './settings.ts';

/** An error that the server itself sent. */
export interface ServerError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly detail?: string;
}

export const isServerError = (error: unknown): error is ServerError =>
  error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';

/** The five characters, or undefined for what did not come from the server. */
export const sqlState = (error: unknown): string | undefined =>
  isServerError(error) ? error.code : undefined;

export const state = {
  insufficientPrivilege: '42501',
  syntaxError: '42601',
  undefinedFunction: '42883',
  undefinedTable: '42P01',
  undefinedObject: '42704',
  undefinedColumn: '42703',
  undefinedSchema: '3F000',
  duplicateObject: '42710',
  lockNotAvailable: '55P03',
  objectNotInPrerequisiteState: '55000',
  objectInUse: '55006',
  checkViolation: '23514',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  deadlockDetected: '40P01',
  outOfMemory: '53200',
  dependentObjects: '2BP01',
  featureNotSupported: '0A000',
  serializationFailure: '40001',
  undefinedFile: '58P01',
} as const;

/** What the server says, with its detail, in one line. */
export const serverMessage = (error: unknown): string => {
  const detail = isServerError(error) && error.detail ? ` (${error.detail})` : '';
  return messageOf(error) + detail.replaceAll(/\s*\n\s*/g, ' ');
};

/** The server would not have a definition or rows. What it could not do at all, such as for want of room, is no refusal. */
export const isRefusal = (error: unknown): error is HoldfastError & { readonly cause: ServerError } =>
  hasCode(error, 'TARGET_FAILED') && isServerError(error.cause) && !isInability.test(error.cause.code);

/** The server could not do what it was asked, for want of room or of a right, say, or because somebody stopped it: that says nothing of what it was. */
export const saysNothing = (error: unknown): boolean =>
  isServerError(error) && (isInability.test(error.code) || error.code === state.insufficientPrivilege);

/** Resources, an operator's intervention, the system, damage; a library that is not there is one thing's matter (58P01). */
const isInability = /^(53|57|58(?!P01)|XX00[12])/;

/**
 * The server ended the session: by itself, going down, or because it no longer hears or follows the client (class 08). A plain
 * ERROR with such a code, as postgres_fdw and dblink pass it on, is of a server beyond it.
 */
export const endsSession = (error: unknown): boolean =>
  isServerError(error) && /^(08|57P0)/.test(error.code) && error.severity !== 'ERROR';

/** The error for a connection that could not be made. */
export const connectError = (error: unknown, settings: ConnectionSettings, database: string): Error => {
  if (error instanceof HoldfastError) return error;
  const { server, user } = settings;
  const [code, hint] = connectProblem(error, settings, database);
  return new HoldfastError(
    code,
    `cannot connect to PostgreSQL at ${server} as ${user}: ${serverMessage(error)}`,
    {
      hint,
      cause: error,
    },
  );
};

type ConnectCode = 'SOURCE_DENIED' | 'SOURCE_UNREACHABLE';

const connectProblem = (
  error: unknown,
  { host, user }: ConnectionSettings,
  database: string,
): readonly [ConnectCode, string | undefined] => {
  switch (sqlState(error) ?? systemCode(error)) {
    case '28P01':
      return ['SOURCE_DENIED', `check the password of ${user}: the configuration, PGPASSWORD or ~/.pgpass`];
    case '28000':
      return ['SOURCE_DENIED', `let ${user} in: create the role, or add a line to the server's pg_hba.conf`];
    case '42501':
      return ['SOURCE_DENIED', `grant connect on database "${database}" to ${user}`];
    case '3D000':
      return ['SOURCE_UNREACHABLE', 'check the name of the database'];
    case '53300':
      return ['SOURCE_UNREACHABLE', connectionsHint];
    case '57P03':
      return ['SOURCE_UNREACHABLE', 'wait until the server has started'];
    case '08P01':
      return [
        'SOURCE_UNREACHABLE',
        poolerHint(serverMessage(error)) ?? 'check what the pooler before the server allows, and its log',
      ];
    case 'ECONNREFUSED':
    case 'ENOENT':
      return ['SOURCE_UNREACHABLE', 'is the server running, and does it listen there?'];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['SOURCE_UNREACHABLE', `"${host}" is not known to the name service: check the name`];
    default:
      return isTlsProblem(error)
        ? ['SOURCE_DENIED', 'check sslmode and sslrootcert against the certificate of the server']
        : ['SOURCE_UNREACHABLE', 'check host, port and firewall'];
  }
};

/** What PgBouncer says without a code of its own. */
const poolerHint = (message: string): string | undefined => {
  if (/query_wait_timeout/.test(message))
    return 'the pooler has too few sessions: raise its default_pool_size, lower `connections`, or connect to the server itself';
  if (/startup parameter/.test(message))
    return 'let the pooler pass it on (ignore_startup_parameters), or connect to the server itself';
  return undefined;
};

/** OpenSSL's and Node's codes for a certificate or a handshake that was refused. */
const isTlsProblem = (error: unknown): boolean =>
  /CERT|SIGNATURE|ISSUER|SSL|TLS|ALTNAME/.test(systemCode(error) ?? '') ||
  /SSL/.test(error instanceof Error ? error.message : '');

/** For what replication ended. */
export const standbyHint =
  'the standby put replication first: set hot_standby_feedback, raise max_standby_streaming_delay, or read from the primary';

export const lostHint = "the server's log says whether it or the network ended it; then run again";

export const connectionsHint = 'lower `connections`, or raise max_connections on the server';

/** The error for a connection that broke while it was in use. */
export const lostError = (error: unknown, server: string): HoldfastError =>
  error instanceof HoldfastError
    ? error
    : new HoldfastError(
        'SOURCE_UNREACHABLE',
        `the connection to PostgreSQL at ${server} was lost: ${serverMessage(error)}`,
        {
          hint:
            sqlState(error) === state.serializationFailure
              ? standbyHint
              : (poolerHint(serverMessage(error)) ?? lostHint),
          cause: error,
        },
      );
