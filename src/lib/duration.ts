// Lengths of time as people write them: '90s', '15m', '1h30m', '2d', '1w'.
import { z } from 'zod';

const unitsMs = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;
const pattern = /^(?=.*[1-9])(\d{1,6}[wdhms])+$/;

/** '1h30m' → 5_400_000. Throws a RangeError for what is no length of time, or none at all. */
export const durationMs = (text: string): number => {
  if (!pattern.test(text)) throw new RangeError(`"${text}" is no length of time`);
  return [...text.matchAll(/(\d+)([wdhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * unitsMs[unit as keyof typeof unitsMs],
    0,
  );
};

/** A length of time in the configuration; it stays as it is written, for `durationMs`. */
export const duration = () =>
  z.string().regex(pattern, { error: 'must be a length of time such as "90s", "15m", "1h30m" or "2d"' });
