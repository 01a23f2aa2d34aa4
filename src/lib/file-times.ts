// Times of files.

/** In nanoseconds since the epoch. */
export const dateToNanos = (date: Date): bigint => BigInt(date.getTime()) * 1_000_000n;

/**
 * How long after a change another one may leave the same time. File systems count time in steps, of up to 2 s on FAT; and what a
 * program changes through memory it has mapped gets a new time only when the change before it has been written to disk, which Linux
 * does after 30 to 35 s.
 */
const longestStepMs = 60_000;

/** When a file that was read may have been changed again under the same time, in nanoseconds. */
export interface DoubtfulTime {
  readonly from: bigint;
  readonly until: bigint;
}

/** Of files that were read at some time since then. */
export const doubtfulTime = (lastRead: Date, now: Date): DoubtfulTime => ({
  from: dateToNanos(new Date(lastRead.getTime() - longestStepMs)),
  until: dateToNanos(new Date(now.getTime() + longestStepMs)), // a clock of another machine may be ahead
});

export const isDoubtful = (time: bigint | undefined, { from, until }: DoubtfulTime): boolean =>
  time !== undefined && time >= from && time <= until;
