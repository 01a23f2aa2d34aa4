// What a clock that was wrong has left in the catalog.

/** What lies further ahead was remembered by a clock that was wrong; with less, one that was only set back does nothing twice. */
const aheadMs = 86_400_000;

/** The last moment that a clock which is right can have remembered. */
export const latestMsAt = (now: Date): number => now.getTime() + aheadMs;

export const isFarAhead = (time: Date, now: Date): boolean => time.getTime() > latestMsAt(now);
