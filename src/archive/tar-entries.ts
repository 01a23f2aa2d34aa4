// Entries of sources as members of a tar, and back. A tar must know how long a file is before its first byte, and a dump of a
// database does not: what is longer than a part becomes several members, to be put together with `cat`.
import { isUtf8 } from 'node:buffer';
import { HoldfastError } from '#lib/errors.ts';
import { decodeName, encodeName } from '#lib/file-name.ts';
import type { Content, Entry, EntryMeta } from '#sources/source.ts';
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

const types = {
  dir: 'directory',
  file: 'file',
  symlink: 'symlink',
  fifo: 'fifo',
  chardev: 'character-device',
  dev: 'block-device',
} as const;

/** What stands before an entry's bytes, the size left open. ITEM_UNREADABLE for a name that is not UTF-8. */
export const headerOf = (path: string, entry: Entry): TarHeader => {
  const { type, meta } = entry;
  if (!path.isWellFormed() || (meta.linkTarget !== undefined && !meta.linkTarget.isWellFormed()))
    throw new HoldfastError(
      'ITEM_UNREADABLE',
      `${path.toWellFormed()} has a name that is not UTF-8, which an archive cannot hold`,
      {
        hint: 'rename or exclude it; a backup into a repository keeps such names',
      },
    );
  const device = meta.device ?? 0n;
  const pax = paxOf(meta);
  return {
    name: type === 'dir' ? `${path}/` : path,
    type: types[type as keyof typeof types],
    size: 0,
    mode: meta.mode ?? (type === 'dir' ? 0o700 : 0o600),
    mtime: new Date(hasPlainTime(meta) ? Number((meta.mtime ?? 0n) / 1_000_000n) : 0),
    uid: Math.min(meta.uid ?? 0, largestId),
    gid: Math.min(meta.gid ?? 0, largestId),
    uname: meta.user ?? '',
    gname: meta.group ?? '',
    ...(meta.linkTarget !== undefined && { linkname: meta.linkTarget }),
    ...(type.endsWith('dev') && { devmajor: major(device), devminor: minor(device) }),
    ...(Object.keys(pax).length > 0 && { pax }),
  };
};

/** What the old header has room for, as the library writes it: six octal digits for an owner, 31 bits for seconds since 1970. */
const largestId = 0o777777;
const hasPlainTime = ({ mtime = 0n }: EntryMeta): boolean =>
  mtime >= 0n && mtime < 2n ** 31n * nanosPerSecond;

/** Large owners, times finer than a second or far away, and extended attributes that are text, as GNU tar and bsdtar know them. */
const paxOf = (meta: EntryMeta): Record<string, string> => ({
  ...((meta.uid ?? 0) > largestId && { uid: `${meta.uid}` }),
  ...((meta.gid ?? 0) > largestId && { gid: `${meta.gid}` }),
  ...(meta.mtime !== undefined &&
    (meta.mtime % nanosPerSecond !== 0n || !hasPlainTime(meta)) && { mtime: seconds(meta.mtime) }),
  ...Object.fromEntries(
    (meta.xattrs ?? [])
      .filter(({ value }) => isUtf8(value) && !value.includes(0))
      .map(({ name, value }) => [`SCHILY.xattr.${name}`, Buffer.from(value).toString('utf8')]),
  ),
});

const nanosPerSecond = 1_000_000_000n;

const seconds = (nanos: bigint): string => {
  const whole = nanos / nanosPerSecond - (nanos % nanosPerSecond < 0n ? 1n : 0n);
  return `${whole}.${String(nanos - whole * nanosPerSecond).padStart(9, '0')}`;
};

/** Of a device's number, as Linux has it (makedev(3)). */
const major = (device: bigint): number => Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
const minor = (device: bigint): number => Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));

/** The entries that members below the folder were made of, one after the other; members elsewhere are passed over. */
export async function* entriesOf(members: AsyncIterable<FoundMember>, folder: string): AsyncGenerator<Entry> {
  const ahead = new Members(members);
  let joined: string | undefined;
  try {
    for (let found = await ahead.next(); found; found = await ahead.next()) {
      if (joined !== undefined && partOf(found.header) === joined) continue; // nobody read its first part
      joined = partOf(found.header);
      const path = pathBelow(folder, partOf(found.header) ?? found.header.name);
      if (path === undefined) continue;
      const type = Object.entries(types).find(([, name]) => name === found.header.type)?.[0] as
        | Entry['type']
        | undefined;
      if (type === undefined)
        throw new HoldfastError('UNSUPPORTED', `${path} in the archive is a ${found.header.type}`, {
          hint: 'unpack the archive with tar',
        });
      const { header } = found;
      const isPart = partOf(header) !== undefined;
      yield {
        path,
        type,
        meta: metaOf(header, isPart ? undefined : header.size),
        ...(type === 'file' && { content: () => (isPart ? ahead.joined(found) : found.bytes) }),
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

const metaOf = (header: FoundMember['header'], size: number | undefined): EntryMeta => ({
  ...(header.mode !== undefined && { mode: header.mode & 0o7777 }),
  mtime: nanosOf(header),
  ...idOf('uid', header),
  ...idOf('gid', header),
  ...(header.uname && { user: header.uname }),
  ...(header.gname && { group: header.gname }),
  ...(header.type === 'file' && size !== undefined && { size }),
  ...(header.linkname && { linkTarget: header.linkname }),
  ...(header.type?.endsWith('device') && {
    device: makeDevice(BigInt(header.devmajor ?? 0), BigInt(header.devminor ?? 0)),
  }),
  ...xattrsOf(header.pax ?? {}),
});

const idOf = (name: 'uid' | 'gid', header: FoundMember['header']): Pick<EntryMeta, 'uid' | 'gid'> => {
  const id = Number(header.pax?.[name] ?? header[name]);
  return Number.isSafeInteger(id) ? { [name]: id } : {};
};

const nanosOf = ({ pax, mtime }: FoundMember['header']): bigint => {
  const [whole = '0', fraction = ''] = (pax?.mtime ?? '').split('.');
  if (pax?.mtime === undefined) return BigInt(mtime?.getTime() ?? 0) * 1_000_000n;
  return BigInt(whole) * nanosPerSecond + BigInt(fraction.padEnd(9, '0').slice(0, 9));
};

const makeDevice = (high: bigint, low: bigint): bigint =>
  ((high & 0xfffn) << 8n) | ((high & 0xfffff000n) << 32n) | (low & 0xffn) | ((low & 0xffffff00n) << 12n);

const xattrsOf = (pax: Readonly<Record<string, string>>): Pick<EntryMeta, 'xattrs'> => {
  const xattrs = Object.entries(pax)
    .filter(([name]) => name.startsWith('SCHILY.xattr.'))
    .map(([name, value]) => ({ name: name.slice('SCHILY.xattr.'.length), value: Buffer.from(value) }));
  return xattrs.length > 0 ? { xattrs } : {};
};
