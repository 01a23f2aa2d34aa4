// The entries of a restore, one file after the other.
import type { PlacedEntry as Placed } from '../placed-entries.ts';
import { assertSafePath } from '../safe-path.ts';
import type { Content, Entry } from '../source.ts';
import { kind, type Place, parsePath } from './layout.ts';

export type PlacedEntry = Placed<Place>;

/** Its files. Paths that are no part of a backup are refused as they come. */
export async function* placedEntries(entries: AsyncIterable<Entry>): AsyncGenerator<PlacedEntry> {
  for await (const { path, type, content } of entries) {
    if (path !== '') assertSafePath(path, kind);
    if (type === 'file' && content) yield { path, place: parsePath(path), content };
  }
}

/** A small file as text. */
export const textOf = async ({ content }: PlacedEntry): Promise<string> =>
  (await bytesOf(content())).toString('utf8');

export const bytesOf = async (content: Content): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk)); // the producer may use it again
  return Buffer.concat(chunks);
};
