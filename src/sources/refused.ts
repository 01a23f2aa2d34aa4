// What a server refuses of a database that is restored: said the same way of every engine.
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';

/** The refusal of a table or of its rows, with how many of these are not in the target for it. */
export const withLackingRows = (
  { code, message, hint, cause }: HoldfastError,
  rows: number,
): HoldfastError => {
  const lacking = rows > 0 ? `; ${plural(rows, 'row')} of it in the snapshot only` : '';
  return new HoldfastError(code, `${message.replace(/\.$/, '')}${lacking}`, { hint, cause });
};

/** TARGET_FAILED: a database is replaced by all of the backup, or not at all. */
export const leftAsItWas = (replaced: string, refusals: readonly Error[]): HoldfastError => {
  const messages = refusals.slice(0, mostShown).map(({ message }) => message);
  const more = refusals.length > mostShown ? [`and ${refusals.length - mostShown} more`] : [];
  return new HoldfastError(
    'TARGET_FAILED',
    `${replaced} was left as it was: ${[...messages, ...more].join('; ')}`,
    { hint: 'restore under another name to see them all, and to have all else', cause: refusals[0] },
  );
};

/** As many as anybody reads in one line. */
const mostShown = 10;
