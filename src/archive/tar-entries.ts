// Entries of sources as members of a tar, and back. A tar must know how long a file is before its first byte, and a dump of a
// database does not: what is longer than a part becomes several members, to be put together with `cat`.
import { HoldfastError } from '#lib/errors.ts';
import { decodeName, encodeName } from '#lib/file-name.ts';
import type { Content, Entry } from '#sources/source.ts';
import { headerOf, metaOf, typeOf } from './tar-header.ts';
import type { FoundMember, TarHeader, TarMember } from './tar-stream.ts';

/** What is longer and of unknown length is cut into parts of this size. */
export const partBytes = 32 * 1024 * 1024;
/** Up to here the length of a real file is that of what was read, and beyond what it was when it was listed. */
const smallBytes = 1024 * 1024;

/** Stands in the one extended header that every tar passes over in silence. */
const partMark = 'part of ';

/** The name of the file that a member is a part of. */
const partOf = ({ pax }: FoundMember['header']): string | undefined =>
  pax?.comment?.startsWith(partMark) ? pax.comment.slice(partMark.length) : undefined;

export interface TarWatcher {
  /** A member is in the tar. */
  onEntry(entry: Entry, bytes: number): void;
  /** An entry that could not be read is left out. The tar is then not what was asked for. */
  onFailure(entry: Entry, error: Error): void;
}

/** The members that the entries of a source become, all below a folder of that name. */
export async function* membersOf(
  folder: string,
  entries: AsyncIterable<Entry>,
  watcher: TarWatcher,
): AsyncGenerator<TarMember> {
  for await (const entry of entries) {
    if (entry.failed) watcher.onFailure(entry, entry.failed);
    else if (entry.type !== 'socket')
      // tar has none, and nobody misses them
      try {
        yield* member(entry.path === '' ? folder : `${folder}/${entry.path}`, entry, watcher);
      } catch (error) {
        if (!(error instanceof HoldfastError && error.kind.item) || error instanceof Spoilt) throw error;
        watcher.onFailure(entry, error);
      }
  }
}

/** The file failed when its beginning was in the tar already. */
class Spoilt extends HoldfastError {}

async function* member(path: string, entry: Entry, watcher: TarWatcher): AsyncGenerator<TarMember> {
  const header = headerOf(path, entry);
  if (entry.type !== 'file') {
    yield { header };
    return watcher.onEntry(entry, 0);
  }
  const chunks = new Chunks(entry.content?.() ?? []);
  try {
    const isReal = entry.meta.inode !== undefined;
    const first = await chunks.take(isReal ? smallBytes : partBytes);
    if (chunks.ended) yield withBytes(header, first);
    else if (isReal)
      yield { header: { ...header, size: entry.meta.size ?? 0 }, bytes: exactly(first, chunks, entry) };
    else yield* parts(header, first, chunks);
  } finally {
    await chunks.close();
  }
  watcher.onEntry(entry, chunks.taken);
}

const withBytes = (header: TarHeader, bytes: readonly Uint8Array[]): TarMember => ({
  header: { ...header, size: bytes.reduce((sum, { length }) => sum + length, 0) },
  bytes,
});

/** Name.part-0000, name.part-0001, …: in this order they are the file. */
async function* parts(
  header: TarHeader,
  first: readonly Uint8Array[],
  chunks: Chunks,
): AsyncGenerator<TarMember> {
  let bytes = first;
  for (let number = 0; bytes.length > 0; number += 1) {
    const name = `${header.name}.part-${String(number).padStart(4, '0')}`;
    yield withBytes({ ...header, name, pax: { ...header.pax, comment: partMark + header.name } }, bytes);
    bytes = chunks.ended ? [] : await chunks.take(partBytes);
  }
}

/** As many bytes as the file had when it was listed; what was added since is left to the next archive. */
async function* exactly(
  first: readonly Uint8Array[],
  chunks: Chunks,
  { path, meta }: Entry,
): AsyncGenerator<Uint8Array> {
  let left = meta.size ?? 0;
  try {
    for (let bytes = first; bytes.length > 0 && left > 0; bytes = await chunks.take(smallBytes))
      for (const chunk of bytes) {
        yield chunk.subarray(0, left);
        left -= Math.min(left, chunk.length);
      }
  } catch (cause) {
    throw new Spoilt('ITEM_UNREADABLE', `${path} could not be read to its end: ${String(cause)}`, { cause });
  }
  if (left > 0)
    throw new Spoilt('ITEM_CHANGED', `${path} became ${left} bytes shorter while it was read`, {
      hint: 'archive it when nobody writes to it, or exclude it',
    });
}

/** A content read in runs of a given length. */
class Chunks {
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #rest = new Uint8Array();
  ended = false;
  taken = 0;

  constructor(content: Content) {
    this.#iterator =
      Symbol.asyncIterator in content ? content[Symbol.asyncIterator]() : content[Symbol.iterator]();
  }

  /** So many bytes, or all that are left; copied, since a producer may reuse what it gave. */
  async take(length: number): Promise<Uint8Array[]> {
    const taken: Uint8Array[] = [];
    let missing = length;
    while (missing > 0 && !this.ended) {
      if (this.#rest.length === 0) await this.#pull();
      const part = this.#rest.slice(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      if (part.length > 0) taken.push(part);
      missing -= part.length;
      this.taken += part.length;
    }
    // Whether anything follows decides on how it is written.
    while (this.#rest.length === 0 && !this.ended) await this.#pull();
    return taken;
  }

  async close(): Promise<void> {
    if (!this.ended) await this.#iterator.return?.();
  }

  async #pull(): Promise<void> {
    const { done, value } = await this.#iterator.next();
    if (done) this.ended = true;
    else this.#rest = Uint8Array.from(value);
  }
}

/** The entries that members below the folder were made of, one after the other; members elsewhere are passed over. */
export async function* entriesOf(members: AsyncIterable<FoundMember>, folder: string): AsyncGenerator<Entry> {
  const ahead = new Members(members);
  let joined: string | undefined;
  try {
    for (let found = await ahead.next(); found; found = await ahead.next()) {
      const { header, bytes } = found;
      const whole = partOf(header);
      if (whole !== undefined && whole === joined) continue; // nobody read its first part
      joined = whole;
      const path = pathBelow(folder, whole ?? header.name);
      if (path === undefined) continue;
      const type = typeOf(header);
      if (type === undefined)
        throw new HoldfastError('UNSUPPORTED', `${path} in the archive is a ${header.type}`, {
          hint: 'unpack the archive with tar',
        });
      yield {
        path,
        type,
        meta: metaOf(header, whole === undefined ? header.size : undefined),
        ...(type === 'file' && {
          content: () => (whole === undefined ? bytes : ahead.joined(found)),
        }),
      };
    }
  } finally {
    await ahead.close();
  }
}

/** Looks one member ahead, to know where the parts of a file end. */
class Members {
  readonly #members: AsyncIterator<FoundMember>;
  #ahead: FoundMember | undefined;

  constructor(members: AsyncIterable<FoundMember>) {
    this.#members = members[Symbol.asyncIterator]();
  }

  async next(): Promise<FoundMember | undefined> {
    const ready = this.#ahead;
    this.#ahead = undefined;
    if (ready) return ready;
    const { done, value } = await this.#members.next();
    return done ? undefined : value;
  }

  async *joined(first: FoundMember): AsyncGenerator<Uint8Array> {
    const name = partOf(first.header);
    let part: FoundMember | undefined = first;
    while (part && partOf(part.header) === name) {
      yield* part.bytes;
      part = await this.next();
    }
    this.#ahead = part;
  }

  async close(): Promise<void> {
    await this.#members.return?.();
  }
}

/** The path that the source knows; undefined when it is not below the folder. */
const pathBelow = (folder: string, name: string): string | undefined => {
  const path = decodeName(encodeName(name.replace(/\/$/, '')));
  if (path === folder) return '';
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
};
