// Lengths of time as people write them: '90s', '15m', '1h30m', '2d', '1w'.
import { z } from 'zod';

const unitsMs = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;
const pattern = /^(?=.*[1-9])(\d{1,6}[wdhms])+$/;

/** '1h30m' → 5_400_000; undefined for what is no length of time, or none at all. */
export const durationMs = (text: string): number | undefined => {
  if (!pattern.test(text)) return undefined;
  return [...text.matchAll(/(\d+)([wdhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * unitsMs[unit as keyof typeof unitsMs],
    0,
  );
};

/** A length of time in the configuration, in milliseconds once it is read. */
export const duration = () =>
  z
    .string()
    .regex(pattern, { error: 'must be a length of time such as "90s", "15m", "1h30m" or "2d"' })
    .transform((text) => durationMs(text) ?? 0);

/** 5_400_000 → '1h30m', as it could have been written; a rest below a second is left out. */
export const durationText = (ms: number): string => {
  let rest = Math.floor(ms / 1000) * 1000;
  const parts = Object.entries(unitsMs).map(([unit, unitMs]) => {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    return count > 0 ? `${count}${unit}` : '';
  });
  return parts.join('') || '0s';
};
