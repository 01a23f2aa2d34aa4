// Why a database cannot receive now, and what is said when something is left beside it.
import { HoldfastError } from '#lib/errors.ts';

/** `ending` is how its session is ended on the server, where that is known. */
export const otherRunReceives = (database: string, ending?: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `another run is receiving into database ${database}`, {
    hint: `wait for it to end, or see which job it is: holdfast runs${ending === undefined ? '' : `; where its machine is gone, end its session on the server: ${ending}`}`,
  });

/** What somebody else filled is not ours to replace. */
export const notReceived = (what: string, hint: string): HoldfastError =>
  new HoldfastError('TARGET_NOT_EMPTY', `${what} holds something that was not received`, { hint });

/** What a run came to stays what it is when it cannot tidy up. */
export const leftBeside = (database: string): string =>
  `what was loaded beside ${database} could not be dropped: the next run does it`;
