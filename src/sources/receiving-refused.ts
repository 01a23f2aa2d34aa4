// Why a database cannot receive now.
import { HoldfastError } from '#lib/errors.ts';

export const otherRunReceives = (database: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `another run is receiving into database ${database}`, {
    hint: 'wait for it to end, or see which job it is: holdfast runs',
  });

/** What somebody else filled is not ours to replace. */
export const notReceived = (what: string, hint: string): HoldfastError =>
  new HoldfastError('TARGET_NOT_EMPTY', `${what} holds something that was not received`, { hint });
