// The names in a folder, in the order of their bytes, whatever those bytes are.
import { readdirSync } from 'node:fs';
import { decodeName, encodeName, fsPath } from '#lib/file-name.ts';

/** Throws what the system says when the folder cannot be listed. */
export const listNames = (folder: string): string[] => {
  const names = readdirSync(fsPath(folder));
  if (!names.some(isUnusual)) return names.sort();
  return readdirSync(fsPath(folder), { encoding: 'buffer' })
    .sort(Buffer.compare)
    .map((name) => decodeName(name));
};

/** True when the order of UTF-16 may differ from that of bytes, or U+FFFD may stand for bytes that are no UTF-8. */
const isUnusual = (name: string): boolean => /[\ud800-\uffff]/.test(name);

/** The order in which a folder's names stand in a dump. */
export const compareNames = (a: string, b: string): number => Buffer.compare(encodeName(a), encodeName(b));
