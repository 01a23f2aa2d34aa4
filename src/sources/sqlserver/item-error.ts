// Why one table could not be read, said so that somebody can do something about it.
import { HoldfastError } from '#lib/errors.ts';
import { errorNumber, number, serverMessage } from './server-error.ts';

/** An item error for what the server says of one table; anything else, such as a lost connection, as it is. */
export const itemError = (error: unknown, table: string, user: string): unknown => {
  const code = errorNumber(error);
  if (error instanceof HoldfastError && error.code === 'ITEM_UNREADABLE')
    return new HoldfastError(error.code, `cannot read table ${table}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  if (code === undefined) return error;
  if (changed.has(code))
    return new HoldfastError(
      'ITEM_CHANGED',
      `table ${table} was changed while it was read: ${serverMessage(error)}`,
      {
        hint: 'run the backup again',
        cause: error,
      },
    );
  return new HoldfastError('ITEM_UNREADABLE', `cannot read table ${table}: ${serverMessage(error)}`, {
    hint: hintFor(code, user),
    cause: error,
  });
};

/** The columns that were listed are no longer there, or the table itself is not. */
const changed = new Set<number>([
  number.invalidColumn,
  number.invalidObject,
  number.changedBySomebody,
  number.schemaChanged,
]);

const hintFor = (code: number, user: string): string | undefined => {
  switch (code) {
    case number.permissionDenied:
    case number.columnPermissionDenied:
      return `grant select on it to ${user}, or add ${user} to db_datareader`;
    case number.lockTimeout:
      return 'somebody holds it exclusively: run the backup when they are done, or raise lockTimeoutSeconds';
    case number.deadlocked:
      return 'run the backup again; with snapshot isolation it does not happen';
    default:
      return undefined;
  }
};
