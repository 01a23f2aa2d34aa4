// Files: each one that was restored, with its content and metadata, beside the one in the snapshot.
import { createHash } from 'node:crypto';
import { hasCode, messageOf } from '#lib/errors.ts';
import { encodeName } from '#lib/file-name.ts';
import type { ListedEntry, Repository, Snapshot } from '#repository/contract.ts';
import type { Content, Entry, EntryMeta } from '#sources/source.ts';
import type { Comparison } from './comparison.ts';

/** `root` is the folder of the snapshot that holds the source; absent for snapshots that restic made. */
export const compareEntries = (
  repository: Repository,
  snapshot: Snapshot,
  root: string | undefined,
  signal: AbortSignal,
): Comparison => {
  const digests = new DigestList();
  async function* watch(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
    for await (const entry of entries) {
      const { type, content } = entry;
      if (type !== 'file' || content === undefined) yield entry;
      else {
        const at = digests.reserve();
        yield { ...entry, content: () => digesting(content.call(entry), (found) => digests.set(at, found)) };
      }
    }
  }
  return {
    watch,
    wrongSoFar: () => [],
    async compare(place, failedPaths) {
      const listed = repository.list(snapshot, { ...(root !== undefined && { root }), signal });
      const differences: string[] = [];
      const contents = contentsOf(digests);
      for await (const [captured, restored] of sideBySide(listed, place.dump())) {
        const path = captured?.path ?? restored?.path ?? '';
        if (root === undefined && path === '') continue; // the place itself is no entry of such a snapshot
        const expected = captured?.type === 'file' ? contents.next(captured) : undefined;
        if (failedPaths.has(path) || captured?.type === 'socket') continue;
        if (restored === undefined) differences.push(`${path} is missing`);
        else if (captured === undefined) differences.push(`${path} was not captured`);
        else
          for (const text of await differencesOf(captured, restored, expected))
            differences.push(`${path}: ${text}`);
      }
      return { differences, tables: 0, rows: 0, definitions: 0 };
    },
  };
};

const digestBytes = 16;

/** The digests of many files in their order, without an object for each. */
class DigestList {
  #bytes = new Uint8Array(1024 * digestBytes);
  #known = new Uint8Array(1024);
  #length = 0;

  reserve(): number {
    const at = this.#length++;
    if (at < this.#known.length) return at;
    const bytes = new Uint8Array(this.#bytes.length * 2);
    const known = new Uint8Array(this.#known.length * 2);
    bytes.set(this.#bytes);
    known.set(this.#known);
    this.#bytes = bytes;
    this.#known = known;
    return at;
  }

  set(at: number, digest: Uint8Array): void {
    this.#bytes.set(digest.subarray(0, digestBytes), at * digestBytes);
    this.#known[at] = 1;
  }

  /** Undefined when the content was never read. */
  get(at: number): Buffer | undefined {
    if (this.#known[at] !== 1) return undefined;
    return Buffer.from(this.#bytes.subarray(at * digestBytes, (at + 1) * digestBytes));
  }
}

/** A restore reads what hard links share only once, so the others are known by the blobs that they have in common. */
const contentsOf = (digests: DigestList) => {
  const shared = new Map<string, Buffer>();
  let at = 0;
  return {
    next({ meta, blobs }: ListedEntry): Buffer | undefined {
      const digest = digests.get(at++);
      if ((meta.links ?? 1) < 2) return digest;
      const key = createHash('sha256').update(blobs.join()).digest('base64');
      if (digest !== undefined) shared.set(key, digest);
      return digest ?? shared.get(key);
    },
  };
};

const differencesOf = async (
  captured: ListedEntry,
  restored: Entry,
  expected: Buffer | undefined,
): Promise<string[]> => {
  if (restored.failed) return [`cannot be read back: ${messageOf(restored.failed)}`];
  if (restored.type !== captured.type) return [`is a ${restored.type}, captured was a ${captured.type}`];
  const metadata = metadataDifferences(captured, restored.meta);
  if (captured.type !== 'file') return metadata;
  try {
    const found = await digestOf(restored.content?.() ?? []);
    const same = expected?.equals(found);
    return same ? metadata : ['its content is not what was captured', ...metadata];
  } catch (error) {
    if (!hasCode(error, 'ITEM_UNREADABLE', 'ITEM_CHANGED')) throw error;
    return [`cannot be read back: ${messageOf(error)}`];
  }
};

/** Owners are an administrator's to give; inodes and change times are nobody's. */
const metadataDifferences = ({ type, meta }: ListedEntry, found: EntryMeta): string[] => {
  const differs = (name: string, one: unknown, other: unknown): string[] =>
    one === undefined || one === other ? [] : [`its ${name} is ${other}, captured was ${one}`];
  const octal = (mode: number | undefined): string | undefined => mode?.toString(8).padStart(4, '0');
  const isRoot = process.getuid?.() === 0;
  return [
    ...(type === 'file' ? differs('size', meta.size, found.size) : []),
    ...(type === 'symlink' ? [] : differs('mode', octal(meta.mode), octal(found.mode))),
    ...(isRoot ? differs('owner', meta.uid, found.uid) : []),
    ...(isRoot ? differs('group', meta.gid, found.gid) : []),
    ...differs('target', meta.linkTarget, found.linkTarget),
    ...(type === 'chardev' || type === 'dev' ? differs('device', meta.device, found.device) : []),
    ...(isSameMicrosecond(meta.mtime, found.mtime)
      ? []
      : [`its time is ${timeText(found.mtime)}, captured was ${timeText(meta.mtime)}`]),
    ...differs('extended attributes', attributesOf(meta), attributesOf(found)),
  ];
};

/** Not every platform lets a restore set more than that. */
const isSameMicrosecond = (one: bigint | undefined, other: bigint | undefined): boolean => {
  if (one === undefined || other === undefined) return true;
  const apart = one - other;
  return apart < 2000n && apart > -2000n;
};

const timeText = (time: bigint | undefined): string =>
  time === undefined ? 'unknown' : new Date(Number(time / 1_000_000n)).toISOString();

/** The user's own; those of the system depend on where the place lies. */
const attributesOf = ({ xattrs }: EntryMeta): string | undefined => {
  const own = xattrs?.filter(({ name }) => name.startsWith('user.')) ?? [];
  if (own.length === 0) return undefined;
  const texts = own.map(({ name, value }) => `${name}=${Buffer.from(value).toString('base64')}`);
  return texts.toSorted().join(' ');
};

/** Two walks in the same order, with what stands at the same path together. */
async function* sideBySide(
  captured: AsyncIterable<ListedEntry>,
  restored: AsyncIterable<Entry>,
): AsyncGenerator<readonly [ListedEntry | undefined, Entry | undefined]> {
  const left = captured[Symbol.asyncIterator]();
  const right = restored[Symbol.asyncIterator]();
  try {
    let one = await left.next();
    let other = await right.next();
    while (!one.done || !other.done) {
      const order = one.done ? 1 : other.done ? -1 : compareWalks(one.value.path, other.value.path);
      const pair = [
        order <= 0 && !one.done ? one.value : undefined,
        order >= 0 && !other.done ? other.value : undefined,
      ] as const;
      yield pair;
      if (order <= 0) one = await left.next();
      if (order >= 0) other = await right.next();
    }
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

/** Depth first, names in the order of their bytes. */
const compareWalks = (one: string, other: string): number => {
  if (one === other) return 0;
  const left = one === '' ? [] : one.split('/');
  const right = other === '' ? [] : other.split('/');
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const order = Buffer.compare(encodeName(left[at] ?? ''), encodeName(right[at] ?? ''));
    if (order !== 0) return order;
  }
  return left.length - right.length;
};

async function* digesting(content: Content, take: (digest: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  take(hash.digest());
}

const digestOf = async (content: Content): Promise<Buffer> => {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return hash.digest().subarray(0, digestBytes);
};
