// Times of files.

/** In nanoseconds since the epoch. */
export const dateToNanos = (date: Date): bigint => BigInt(date.getTime()) * 1_000_000n;

/**
 * How long after a change another one may leave the same time. File systems count time in steps, of up to 2 s on FAT; and what a
 * program changes through memory it has mapped gets a new time only when the change before it has been written to disk, which Linux
 * does after 30 to 35 s.
 */
export const longestStepMs = 60_000;
