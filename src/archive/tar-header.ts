// What a tar says of a member before its bytes, and what a source knows of an entry: one made of the other.
import { isUtf8 } from 'node:buffer';
import { HoldfastError } from '#lib/errors.ts';
import type { Entry, EntryMeta } from '#sources/source.ts';
import type { FoundMember, TarHeader } from './tar-stream.ts';

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

/** What the entry was; undefined for what no source has. */
export const typeOf = ({ type }: FoundMember['header']): Entry['type'] | undefined =>
  Object.entries(types).find(([, name]) => name === type)?.[0] as Entry['type'] | undefined;

/** What a header says of an entry; `size` where it is that of the whole file. */
export const metaOf = (header: FoundMember['header'], size: number | undefined): EntryMeta => ({
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
