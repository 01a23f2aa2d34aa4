// The folders and small files that a dump has besides the rows and documents.
import type { Entry } from './source.ts';

export const folderEntry = (path: string): Entry => ({ path, type: 'dir', meta: { mode: 0o700 } });

/** A small file, whose text is there already. */
export const textEntry = (path: string, text: string | Buffer): Entry => ({
  path,
  type: 'file',
  meta: { mode: 0o600, size: Buffer.byteLength(text) },
  content: () => [Buffer.from(text)],
});
