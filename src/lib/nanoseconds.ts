// Times of files, in nanoseconds since the epoch.

export const dateToNanos = (date: Date): bigint => BigInt(date.getTime()) * 1_000_000n;
