// A value of an answer as text.
import type { SqlValue } from '#sources/table-reader.ts';

/** Bytes as a literal of SQL. */
export const valueText = (value: SqlValue): string | null => {
  if (value === null || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString('hex').toUpperCase()}'`;
  return `${value}`;
};
