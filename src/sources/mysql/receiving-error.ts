// What a server says while a database receives, and what to do about it.
import { HoldfastError } from '#lib/errors.ts';
import { besidePattern } from '../beside-names.ts';
import { quoteIdentifier } from './identifiers.ts';
import { isLocked } from './lock-patience.ts';
import { errnoOf, isReadOnly, ServerError } from './server-error.ts';
import { lockHint } from './target-server.ts';

interface Receiving {
  readonly database: string;
  readonly user: string;
}

/** Does the work; TARGET_FAILED for what the server itself has against it, with what a receiver's user must be granted. */
export const toldOf =
  (receiving: Receiving) =>
  async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw explained(error, receiving);
    }
  };

const explained = (error: unknown, receiving: Receiving): unknown => {
  if (error instanceof ServerError)
    return new HoldfastError('TARGET_FAILED', `cannot receive into ${receiving.database}: ${error.message}`, {
      hint: hintFor(error, receiving),
      cause: error,
    });
  if (!(error instanceof HoldfastError) || !lacksRight(error.cause)) return error;
  return new HoldfastError(error.code, error.message, { hint: grantFor(receiving), cause: error });
};

const hintFor = (error: ServerError, receiving: Receiving): string | undefined => {
  if (isReadOnly(error)) return 'receive into the primary, or as a user whom read_only does not hold back';
  if (lacksRight(error)) return grantFor(receiving);
  return isLocked(error) ? lockHint : undefined;
};

/** On a database, a table, a column or a routine. */
const lacksRight = (error: unknown): boolean => [1044, 1142, 1143, 1370].includes(errnoOf(error) ?? 0);

const grantFor = ({ database, user }: Receiving): string =>
  `grant all on ${quoteIdentifier(database)}.*, and all on ${quoteIdentifier(besidePattern(database))}.*, to ${user}`;
