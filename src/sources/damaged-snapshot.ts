// What a restore says of a snapshot that is not as its dump made it.
import { HoldfastError } from '#lib/errors.ts';

/** Something is missing or has changed, which nothing but damage explains. */
export const damagedSnapshot = (message: string, cause?: unknown): HoldfastError =>
  new HoldfastError('TARGET_FAILED', message, {
    hint: 'verify the snapshot, and restore from another one',
    cause,
  });

/** Something is there that no dump writes. */
export const foreignSnapshot = (message: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', message, {
    hint: 'the snapshot is not as holdfast made it; check the repository',
  });

/** Rows of a table that the definitions do not have. */
export const rowsWithoutTable = (table: string): HoldfastError =>
  foreignSnapshot(`the snapshot has rows of ${table}, but not the table`);
