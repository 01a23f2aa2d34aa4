// Builders for the tests of sources: a dump read into memory, and the same handed out again.
import { createHash } from 'node:crypto';
import { mapOrdered } from '#lib/concurrency.ts';
import type { Entry, EntryMeta, EntryType, Previous, RestoreTarget, Source } from './source.ts';

/** An entry with its content in memory. */
export interface CapturedEntry {
  readonly path: string;
  readonly type: EntryType;
  readonly meta: EntryMeta;
  readonly content?: Uint8Array;
  readonly unchanged?: true;
  readonly failed?: Error;
}

/** A restore into an empty place, under the same names. */
export const intoEmpty: RestoreTarget = { force: false, rename: [] };

/** All bytes of an entry's content; chunks are copied, because a producer may reuse them. */
export const contentOf = async (entry: Entry): Promise<Uint8Array | undefined> => {
  if (!entry.content) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of entry.content()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};

/** Reads a whole dump, at most `limit` contents at once, as a repository would. */
export const capture = async (source: Source, previous?: Previous, limit = 1): Promise<CapturedEntry[]> =>
  await Array.fromAsync(
    mapOrdered(source.dump(previous), limit, async (entry): Promise<CapturedEntry> => {
      const content = entry.unchanged || entry.failed ? undefined : await contentOf(entry);
      return {
        path: entry.path,
        type: entry.type,
        meta: entry.meta,
        ...(content && { content }),
        ...(entry.unchanged && { unchanged: entry.unchanged }),
        ...(entry.failed && { failed: entry.failed }),
      };
    }),
  );

/** Captured entries handed out again, as a repository's reader does. */
export async function* replay(entries: readonly CapturedEntry[]): AsyncGenerator<Entry> {
  for (const { path, type, meta, content } of entries)
    yield content ? { path, type, meta, content: () => [content] } : { path, type, meta };
}

/** The source's view of a captured dump as its last snapshot. */
export const previousOf = (entries: readonly CapturedEntry[]): Previous => {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return {
    async entry(path) {
      const known = byPath.get(path);
      if (!known) return undefined;
      const { type, meta, content = new Uint8Array() } = known;
      const chunks = async function* () {
        yield content;
      };
      return { type, meta, content: chunks };
    },
  };
};

/** A short name for bytes, so that a failing comparison can be read. */
export const fingerprint = (content: Uint8Array | undefined): string =>
  content === undefined
    ? 'none'
    : `${content.length} bytes, sha256 ${createHash('sha256').update(content).digest('hex')}`;
