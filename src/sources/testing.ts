// Builders for the tests of sources: a dump read into memory, and the same handed out again.
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type Clock, systemClock } from '#lib/clock.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import { type Log, silentLog } from '#lib/log.ts';
import type { Mark, Receiving } from './receiver.ts';
import type {
  Entry,
  EntryMeta,
  EntryType,
  Previous,
  RestoreReport,
  RestoreTarget,
  Source,
  SourceKind,
} from './source.ts';

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

/** The source's view of a captured dump as its last snapshot; by default it was begun when nothing had changed for long. */
export const previousOf = (
  entries: readonly CapturedEntry[],
  begun = new Date(Date.now() + 3_600_000),
): Previous => {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return {
    begun,
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

type Configuration = Readonly<Record<string, unknown>>;

export interface OpenOptions {
  readonly signal?: AbortSignal;
  readonly log?: Log;
  readonly clock?: Clock;
}

type Open = (config: Configuration, options?: OpenOptions) => Promise<Source>;

/** Opens sources of a kind, whose configuration is parsed as a file's is. */
export const opener =
  <Config>(kind: SourceKind<Config>): Open =>
  (config, { signal = new AbortController().signal, log = silentLog, clock = systemClock } = {}) =>
    kind.open(kind.config.parse(config), { name: 'shop', signal, log, clock });

/** The same on a test's server: `url` unless told is the server's without a database. */
export const onServers = <Server extends { url(): string }>(open: Open) => {
  const openOn = (server: Server, config: Configuration = {}, options?: OpenOptions): Promise<Source> =>
    open({ url: server.url(), ...config }, options);
  return {
    openOn,
    /** A whole dump, with contents read side by side as a repository does. */
    dumpOf: async (server: Server, config?: Configuration): Promise<CapturedEntry[]> => {
      await using source = await openOn(server, config);
      return await capture(source, undefined, source.concurrency);
    },
    /** Restores entries in the order in which a repository hands them out. */
    restoreTo: async (
      server: Server,
      entries: readonly CapturedEntry[],
      config?: Configuration,
      into: Partial<RestoreTarget> = {},
    ): Promise<RestoreReport> => {
      await using target = await openOn(server, config);
      return await target.restore(replay(inPathOrder(entries)), { ...intoEmpty, ...into });
    },
  };
};

/** Sockets that this process holds open, but for those that close just now. */
export const openSockets = async (): Promise<number> => {
  for (let round = 0; round < 2; round += 1) await setImmediate(); // sockets close after the first
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
};

/** Depth first, names in the order of their bytes. */
export const inPathOrder = (entries: readonly CapturedEntry[]): CapturedEntry[] =>
  entries
    .filter(({ failed }) => !failed)
    .toSorted((a, b) => Buffer.compare(pathKey(a.path), pathKey(b.path)));

const pathKey = (path: string): Buffer => Buffer.from(path.replaceAll('/', '\0'));

/** What a job hands over of a table: its own files, and those that lie beside and above it. */
export const partOf = (entries: readonly CapturedEntry[], ...chosen: readonly string[]): CapturedEntry[] =>
  entries.filter(({ path, type }) =>
    chosen.some((one) => {
      const prefix = one.endsWith('*') ? one.slice(0, -1) : `${one}/`;
      const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      return (
        path === one ||
        path.startsWith(prefix) ||
        (type === 'file' && one.startsWith(`${folder}/`)) ||
        folder === ''
      );
    }),
  );

export const contentAt = (entries: readonly CapturedEntry[], path: string): Buffer =>
  Buffer.from(entries.find((entry) => entry.path === path)?.content ?? []);

export const textAt = (entries: readonly CapturedEntry[], path: string): string =>
  contentAt(entries, path).toString();

/** The entries, with other text in those whose paths end so: what another version would have written, or damage. */
export const edited = (
  entries: readonly CapturedEntry[],
  ending: string,
  edit: (text: string) => string,
): CapturedEntry[] =>
  entries.map((entry) =>
    entry.content && entry.path.endsWith(ending)
      ? { ...entry, content: Buffer.from(edit(Buffer.from(entry.content).toString())) }
      : entry,
  );

/** What a receiver keeps of the whole snapshot of that number, from 1 to 9. */
export const markOf = (number: number): Mark => {
  const at = new Date(Date.UTC(2026, 10, 21, number)).toISOString();
  const base = { snapshot: `${number}`.repeat(64), time: at, takenAt: at };
  return { ...base, whole: true, settledAt: at, base };
};

/** Loads a dump of one database as that snapshot. */
export const loadInto = (
  receiving: Receiving,
  number: number,
  dump: readonly CapturedEntry[],
  database = 'shop',
): Promise<RestoreReport> =>
  receiving.load(replay(inPathOrder(dump)), {
    mark: markOf(number),
    databases: [database],
    onProgress() {},
  });
