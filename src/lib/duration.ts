// Lengths of time as people write them: '90s', '15m', '1h30m', '2d', '1w'.
const unitsMs = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;
/** Every length of time. */
export const durationPattern = /^(?=.*[1-9])(\d{1,6}[wdhms])+$/;

/** '1h30m' → 5_400_000. Throws a RangeError for what is no length of time, or none at all. */
export const durationMs = (text: string): number => {
  if (!durationPattern.test(text)) throw new RangeError(`"${text}" is no length of time`);
  return [...text.matchAll(/(\d+)([wdhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * unitsMs[unit as keyof typeof unitsMs],
    0,
  );
};
