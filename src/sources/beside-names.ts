// Names of databases that are loaded beside the one whose place they are to take.
import { createHash, randomBytes } from 'node:crypto';

/** 'shop.receiving-1a2b3c4d': PostgreSQL's names have at most 63 bytes, and a restore adds its own ending for a while. */
export const besideName = (name: string): string => {
  const own = ownDigits(name);
  return stemOf(name) + own + randomBytes(4).toString('hex').slice(own.length);
};

/** True for what was made beside the database of that name, and for what a restore made beside that. */
export const isBeside = (name: string, beside: string): boolean =>
  beside.startsWith(stemOf(name) + ownDigits(name)) &&
  /^[0-9a-f]{8}(\.holdfast-[0-9a-f]{8})?$/.test(beside.slice(stemOf(name).length));

/** All of them, as a grant of MariaDB and MySQL names them: 'shop.receiving-%'. */
export const besidePattern = (name: string): string => `${stemOf(name)}%`;

const ending = '.receiving-';
const longestStem = 36;

const stemOf = (name: string): string => {
  let stem = name;
  while (Buffer.byteLength(stem + ending) > longestStem) stem = Array.from(stem).slice(0, -1).join('');
  return stem + ending;
};

/** The first digits of a name that has lost its end, or could be what others are that have: databases of several are told apart. */
const ownDigits = (name: string): string =>
  Buffer.byteLength(name + ending) > longestStem - 4 // as many bytes as a character may have
    ? createHash('sha256').update(name).digest('hex').slice(0, 4)
    : '';
