// Names of databases that are loaded beside the one whose place they are to take.
import { randomBytes } from 'node:crypto';

/** 'shop.receiving-1a2b3c4d': PostgreSQL's names have at most 63 bytes, and a restore adds its own ending for a while. */
export const besideName = (name: string): string => `${stemOf(name)}${randomBytes(4).toString('hex')}`;

/** True for what was made beside the database of that name, and for what a restore made beside that. */
export const isBeside = (name: string, beside: string): boolean =>
  beside.startsWith(stemOf(name)) &&
  /^[0-9a-f]{8}(\.holdfast-[0-9a-f]{8})?$/.test(beside.slice(stemOf(name).length));

const stemOf = (name: string): string => {
  const ending = '.receiving-';
  let stem = name;
  while (Buffer.byteLength(stem + ending) > 36) stem = Array.from(stem).slice(0, -1).join('');
  return stem + ending;
};
