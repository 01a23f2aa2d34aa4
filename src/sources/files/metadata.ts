// What `lstat` says of a file, as an entry of a snapshot has it.
import { type BigIntStats, readlinkSync } from 'node:fs';
import { decodeName, fsPath } from '#lib/file-name.ts';
import type { EntryMeta, EntryType } from '../source.ts';
import type { Accounts } from './accounts.ts';

/** The type of a file by its st_mode; undefined for what no known system has. */
export const typeOf = (stat: BigIntStats): EntryType | undefined => types.get(Number(stat.mode) & typeBits);

const typeBits = 0o170000;
const types: ReadonlyMap<number, EntryType> = new Map([
  [0o100000, 'file'],
  [0o040000, 'dir'],
  [0o120000, 'symlink'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
  [0o020000, 'chardev'],
  [0o060000, 'dev'],
]);

/** All of it but the names of its owners, the target of a symlink and the extended attributes. */
export const metaOf = (stat: BigIntStats, type: EntryType, withAtime: boolean): Mutable<EntryMeta> => {
  const meta: Mutable<EntryMeta> = {
    mode: Number(stat.mode) & 0o7777,
    mtime: stat.mtimeNs,
    atime: withAtime ? stat.atimeNs : stat.mtimeNs,
    ctime: stat.ctimeNs,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    inode: unsigned(stat.ino),
    deviceId: unsigned(stat.dev),
  };
  if (type === 'file') meta.size = Number(stat.size);
  if (type !== 'dir') meta.links = Number(stat.nlink);
  if (type === 'chardev' || type === 'dev') meta.device = unsigned(stat.rdev);
  return meta;
};

/** Node takes these for signed; file systems that name a file by a hash, as mergerfs does, use all 64 bits. */
const unsigned = (number: bigint): bigint => (number < 0n ? BigInt.asUintN(64, number) : number);

/** Adds the names of the owners, where they are known. */
export const nameOwners = (meta: Mutable<EntryMeta>, accounts: Accounts): void => {
  const user = meta.uid === undefined ? undefined : accounts.user(meta.uid);
  if (user !== undefined) meta.user = user;
  const group = meta.gid === undefined ? undefined : accounts.group(meta.gid);
  if (group !== undefined) meta.group = group;
};

export type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

export const linkTargetOf = (path: string): string =>
  decodeName(readlinkSync(fsPath(path), { encoding: 'buffer' }));
