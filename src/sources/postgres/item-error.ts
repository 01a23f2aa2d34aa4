// Why one table could not be read, said so that somebody can do something about it.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { escapedIdentifier } from './identifiers.ts';
import { isServerError, serverMessage, state } from './server-error.ts';

/** An item error for what the server says of one table; anything else, such as a lost connection, as it is. */
export const itemError = (error: unknown, item: string, user: string): unknown => {
  if (hasCode(error, 'ITEM_UNREADABLE') && !error.message.includes(item))
    return new HoldfastError(error.code, `cannot read ${item}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  if (!isServerError(error)) return error;
  return new HoldfastError('ITEM_UNREADABLE', `cannot read ${item}: ${serverMessage(error)}`, {
    hint: hintFor(error.code, error.message, user),
    cause: error,
  });
};

/** What keeps a database of that name from being read: no version of pg_dump takes a line break in it. */
export const nameProblem = (database: string): HoldfastError | undefined => {
  if (!/[\r\n]/.test(database)) return undefined;
  const name = escapedIdentifier(database);
  return new HoldfastError('ITEM_UNREADABLE', `pg_dump cannot read ${name}: its name has a line break`, {
    hint: `rename it (alter database ${name} rename to …), or leave it out with excludeDatabases`,
  });
};

/** The server ended the session: by itself, or because it goes down altogether. */
export const endsSession = (error: unknown): boolean => isServerError(error) && /^57P0/.test(error.code);

const hintFor = (code: string, message: string, user: string): string | undefined => {
  if (code === state.insufficientPrivilege && /row-level security/.test(message))
    return `a policy would hide rows from ${user}: alter role ${user} bypassrls, or back up as the owner`;
  if (code === state.insufficientPrivilege) return `grant select on it to ${user}`;
  if (code === state.queryCanceled) return 'somebody cancelled it, or a time limit did; run the backup again';
  if (code === state.serializationFailure)
    return 'the standby put replication first: set hot_standby_feedback, raise max_standby_streaming_delay, or read from the primary';
  if (code.startsWith('XX'))
    return 'the table may be damaged: see the server’s log, and check it with amcheck';
  if (/during recovery/.test(message))
    return 'a standby cannot read unlogged tables: say `unlogged: false`, or back up the primary';
  return undefined;
};
