// Sizes as people and restic write them: 10K are 10 × 1024 bytes.

const units: Readonly<Record<string, number>> = { B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** ('10', 'k') → 10240; without a unit the number is one of bytes. */
export const sizeBytes = (number: string, unit = ''): number =>
  Number(number) * (units[unit.toUpperCase()] ?? 1);
