// Why one table or database could not be read, said so that somebody can do something about it.
import { HoldfastError, hasCode, hintOf } from '#lib/errors.ts';
import { escapedIdentifier } from './identifiers.ts';
import type { FoundDatabase } from './listing.ts';
import { isServerError, serverMessage, standbyHint, state } from './server-error.ts';

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

/** What keeps a database from being read, as far as the server's list of them shows it. */
export const databaseProblem = ({ name, closed }: FoundDatabase): HoldfastError | undefined => {
  const escaped = escapedIdentifier(name);
  // No version of pg_dump takes one.
  if (/[\r\n]/.test(name))
    return new HoldfastError('ITEM_UNREADABLE', `pg_dump cannot read ${escaped}: its name has a line break`, {
      hint: `rename it (alter database ${escaped} rename to …), or leave it out with excludeDatabases`,
    });
  if (closed === 'invalid')
    return new HoldfastError('ITEM_UNREADABLE', `database ${name} is invalid: dropping it was interrupted`, {
      hint: `drop database ${escaped}, or leave it out with excludeDatabases`,
    });
  if (closed === 'no connections')
    return new HoldfastError('ITEM_UNREADABLE', `database ${name} does not allow connections`, {
      hint: `alter database ${escaped} allow_connections true, or leave it out with excludeDatabases`,
    });
  return undefined;
};

/** The item error of a database that alone cannot be opened; undefined for what would meet the others too. */
export const databaseError = (error: unknown, database: string): HoldfastError | undefined => {
  const cause = error instanceof HoldfastError ? error.cause : error;
  const isItsOwn = isServerError(cause) ? !/^57P/.test(cause.code) : hasCode(error, 'SOURCE_DENIED');
  if (!isItsOwn) return undefined;
  const hint = hintOf(error);
  return new HoldfastError('ITEM_UNREADABLE', `database ${database}: ${serverMessage(error)}`, {
    hint: hint ?? 'leave it out with excludeDatabases if it is not wanted',
    cause: error,
  });
};

const hintFor = (code: string, message: string, user: string): string | undefined => {
  if (code === state.insufficientPrivilege && /row-level security/.test(message))
    return `a policy would hide rows from ${user}: alter role ${user} bypassrls, or back up as the owner`;
  if (code === state.insufficientPrivilege) return `grant select on it to ${user}`;
  if (code === state.queryCanceled) return 'somebody cancelled it, or a time limit did; run the backup again';
  if (code === state.serializationFailure) return standbyHint;
  if (code.startsWith('XX'))
    return 'the table may be damaged: see the server’s log, and check it with amcheck';
  if (/during recovery/.test(message) || code === state.undefinedFile)
    return 'a standby has no rows of unlogged tables: say `unlogged: false`, or back up the primary; elsewhere the file of the table is lost';
  return undefined;
};
