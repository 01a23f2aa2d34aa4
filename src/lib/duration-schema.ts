// A length of time in a schema; apart from what reads it, so that long-lived processes need no schemas.
import { z } from 'zod';
import { durationPattern } from './duration.ts';

/** A length of time in the configuration; it stays as it is written, for `durationMs`. */
export const duration = () =>
  z.string().regex(durationPattern, {
    error: 'must be a length of time such as "90s", "15m", "1h30m" or "2d"',
    abort: true, // whatever looks at the length afterwards can rely on there being one
  });
