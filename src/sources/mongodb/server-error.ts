// What MongoDB and its driver say when something fails, told apart by codes and names
// (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
import { HoldfastError, messageOf } from '#lib/errors.ts';

export const code = {
  unauthorized: 13,
  authenticationFailed: 18,
  namespaceNotFound: 26,
  cursorNotFound: 43,
  commandNotFound: 59,
  invalidOptions: 72,
  readConcernMajorityNotEnabled: 148,
  queryPlanKilled: 175,
  invalidIndexOption: 197,
  notImplemented: 238,
  snapshotTooOld: 239,
  cursorKilled: 237,
  snapshotUnavailable: 246,
  commandNotSupported: 115,
  capPositionLost: 136,
  duplicateKey: 11_000,
  atlasError: 8000,
} as const;

/** The server goes down, or another member takes over. */
const goingAway: readonly number[] = [91, 189, 10_107, 11_600, 11_602, 13_435, 13_436];

/** The number of an error that the server itself sent; undefined for what did not come from it. */
export const serverCode = (error: unknown): number | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' && !isLost(error)
    ? error.code
    : undefined;

/** The server could not do what it was asked, for want of room or of a right, or in time, or was stopped: that says nothing of what it was. */
export const saysNothing = (error: unknown): boolean => inabilities.includes(serverCode(error) ?? 0);

/** LockTimeout, LockBusy, MaxTimeMSExpired, NetworkTimeout, ExceededMemoryLimit, ExceededTimeLimit, IndexBuildAborted, QueryExceededMemoryLimitNoDiskUseAllowed, Interrupted, OutOfDiskSpace. */
const inabilities: readonly number[] = [
  ...[code.unauthorized, code.cursorKilled, code.queryPlanKilled, code.atlasError],
  ...[24, 46, 50, 89, 146, 262, 276, 292, 11_601, 14_031],
];

/** The driver's errors for a server that cannot be reached, or no longer. */
const isLost = (error: Error): boolean =>
  /^(Mongo(Network|ServerSelection|Topology|PoolCleared|NotConnected|ClientClosed|WaitQueue)|PoolCleared)/.test(
    error.name,
  ) ||
  'syscall' in error || // of the socket, which the driver does not always wrap
  ('code' in error && goingAway.includes(Number(error.code)));

/** The driver's errors for bytes that are no answer, and its text for a refusal without one. */
const isUnreadable = ({ name, message }: Error): boolean =>
  /^(BSON|MongoUnexpected|MongoRuntime|MongoParse|MongoDecompression)/.test(name) || message === 'n/a';

interface Subject {
  /** host:port. */
  readonly server: string;
  readonly user: string | undefined;
}

/** The error for what concerns the server as a whole; what the server says of one thing stays as it is. */
export const connectionError = (error: unknown, { server, user }: Subject): unknown => {
  if (error instanceof HoldfastError || !(error instanceof Error)) return error;
  const as = user === undefined ? '' : ` as ${user}`;
  const cause = causeOf(error);
  if ([code.authenticationFailed, code.atlasError].includes(Number((cause as { code?: unknown }).code) as 18))
    return new HoldfastError(
      'SOURCE_DENIED',
      `MongoDB at ${server} does not let ${user ?? 'anybody'} in: ${messageOf(cause)}`,
      {
        hint: 'check user and password, and authSource in the URL: the database that keeps the user',
        cause: error,
      },
    );
  if (isUnreadable(error))
    return new HoldfastError(
      'SOURCE_UNREACHABLE',
      `what MongoDB at ${server} answers cannot be read: ${messageOf(error)}`,
      {
        hint: 'check host and port, and what lies between: something else answers, or changes what passes; then run again',
        cause: error,
      },
    );
  if (!isLost(error)) return error;
  return new HoldfastError(
    'SOURCE_UNREACHABLE',
    `cannot reach MongoDB at ${server}${as}: ${messageOf(cause)}`,
    { hint: lostHint(messageOf(cause)), cause: error },
  );
};

/** The driver wraps what went wrong with each server into one that says only that none was found. */
const causeOf = (error: Error): Error => {
  const reason: unknown = 'reason' in error ? error.reason : undefined;
  if (!isObject(reason) || !(reason.servers instanceof Map)) return error;
  for (const server of reason.servers.values() as Iterable<unknown>)
    if (isObject(server) && server.error instanceof Error) return server.error;
  return error;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const lostHint = (message: string): string => {
  if (/ECONNREFUSED/.test(message)) return 'is the server running, and does it listen there?';
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) return 'the name service does not know the host: check the name';
  if (/certificate|TLS|SSL/i.test(message))
    return 'check tls and tlsCAFile in the URL against the server’s certificate';
  return 'check host, port and firewall, and the server’s log; then run again';
};

/** An item error for what the server says of one collection; anything else as it is. */
export const itemError = (error: unknown, item: string, user: string | undefined): unknown => {
  if (error instanceof HoldfastError)
    return error.kind.item && !error.message.includes(item)
      ? new HoldfastError(error.code, `cannot read ${item}: ${error.message}`, {
          hint: error.hint,
          cause: error,
        })
      : error;
  const number = serverCode(error);
  if (number === undefined) return error;
  if (number === code.snapshotTooOld) return snapshotLost(error);
  const isChange = changes.includes(number);
  return new HoldfastError(
    isChange ? 'ITEM_CHANGED' : 'ITEM_UNREADABLE',
    `cannot read ${item}: ${messageOf(error)}`,
    { hint: isChange ? changeHint : itemHint(number, item, user), cause: error },
  );
};

const changes: readonly number[] = [
  code.namespaceNotFound,
  code.queryPlanKilled,
  code.cursorKilled,
  code.capPositionLost,
  code.snapshotUnavailable,
];

const changeHint = 'it was dropped, renamed or changed while it was read; run the backup again';

const itemHint = (number: number, item: string, user: string | undefined): string | undefined => {
  if (number === code.unauthorized)
    return `grant ${user ?? 'the user'} a role that may read ${item}: read, or backup`;
  if (number === code.cursorNotFound) return 'the server gave the cursor up; run the backup again';
  return undefined;
};

const snapshotLost = (cause: unknown): HoldfastError =>
  new HoldfastError(
    'SOURCE_UNREACHABLE',
    'the server no longer has the state that this backup began to read',
    {
      hint: 'raise minSnapshotHistoryWindowInSeconds on every member above the time a backup takes, or say `consistency: oplog`',
      cause,
    },
  );
