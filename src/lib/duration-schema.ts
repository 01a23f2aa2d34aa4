// A length of time in a schema; apart from what reads it, so that long-lived processes need no schemas.
import { z } from 'zod';
import { durationMs, durationPattern } from './duration.ts';

/** A thousand years: before and after that, not every clock and database has a date. */
const longestMs = durationMs('52000w');
/** Timers of Node cannot wait longer than 2^31 milliseconds: they end at once. */
const longestTimerMs = durationMs('24d');

/** A length of time in the configuration; it stays as it is written, for `durationMs`. */
export const duration = () =>
  z
    .string()
    .regex(durationPattern, {
      error: 'must be a length of time such as "90s", "15m", "1h30m" or "2d"',
      abort: true, // whatever looks at the length afterwards can rely on there being one
    })
    .refine((text) => durationMs(text) <= longestMs, {
      error: 'must not be longer than "52000w"',
      abort: true,
    });

/** One that is waited for. */
export const waitedDuration = () =>
  duration().refine((text) => durationMs(text) <= longestTimerMs, { error: 'must not be longer than "24d"' });

/** The same as a number of seconds, for how long a server may be silent. */
export const waitedSeconds = (usual: number) => z.number().int().min(1).max(86_400).default(usual);
