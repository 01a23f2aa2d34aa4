// Why one table or definition could not be read, said so that somebody can do something about it.
import { HoldfastError } from '#lib/errors.ts';
import { errno, isDenied, ServerError } from './server-error.ts';

/** An item error for what the server says of one item; anything else, such as a lost connection, as it is. */
export const itemError = (error: unknown, item: string, user: string): unknown => {
  if (!(error instanceof ServerError)) return error;
  const [code, hint] = problemOf(error, user);
  return new HoldfastError(code, `cannot read ${item}: ${error.message}`, { hint, cause: error });
};

export const changed = (item: string, cause?: unknown): HoldfastError =>
  new HoldfastError('ITEM_CHANGED', `${item} was altered after the backup had begun`, {
    hint: 'run the backup again when nobody alters tables',
    cause,
  });

const problemOf = (
  error: ServerError,
  user: string,
): readonly ['ITEM_CHANGED' | 'ITEM_UNREADABLE', string | undefined] => {
  switch (error.errno) {
    case errno.tableDefinitionChanged:
    case errno.noSuchTable:
    case errno.unknownColumn:
      return ['ITEM_CHANGED', 'it was altered or dropped as the backup began; run the backup again'];
    case errno.lockWaitTimeout:
      return [
        'ITEM_UNREADABLE',
        'another session has locked it; run the backup when that is done, or raise lockTimeoutSeconds',
      ];
    case errno.queryInterrupted:
      return ['ITEM_UNREADABLE', 'somebody stopped the statement; run the backup again'];
    case errno.packetTooLarge:
    case errno.packetTooLargeForResult:
      return ['ITEM_UNREADABLE', 'a row is larger than max_allowed_packet of the server: raise it there'];
    case errno.viewInvalid:
      return [
        'ITEM_UNREADABLE',
        'it refers to something that is gone, or that its definer may not use: repair or drop it, or exclude it',
      ];
    default:
      return ['ITEM_UNREADABLE', isDenied(error) ? `grant select, show view on it to ${user}` : undefined];
  }
};
