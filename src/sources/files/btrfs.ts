// Read-only snapshots of the subvolumes of btrfs, for as long as their files are read.
import { execFile } from 'node:child_process';
import {
  type BigIntStats,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import { type ProcessIdentity, thisProcess } from '#lib/process-identity.ts';
import { inodeOfSubvolume, snapshotsFolder } from './places.ts';

const execute = promisify(execFile);

/** BTRFS_SUPER_MAGIC of statfs(2). */
const magic = 0x9123683e;

export const isOnBtrfs = (path: string): boolean => statfsSync(path).type === magic;

/** The root of the subvolume in which that real path lies. SOURCE_UNREACHABLE when it lies in none, or that root cannot be seen. */
export const subvolumeOf = (path: string): string => {
  if (!isOnBtrfs(path))
    throw unusable(
      path,
      'does not lie on btrfs',
      'leave `fsSnapshot` out, or give what lies elsewhere a source of its own',
    );
  let [top, stat] = [path, lookAt(path)];
  for (;;) {
    const above = dirname(top);
    const next = lookAt(above);
    if (above === top || next.dev !== stat.dev) break;
    [top, stat] = [above, next];
  }
  if (stat.ino === inodeOfSubvolume) return top;
  throw unusable(
    path,
    `lies in a subvolume of which only a part can be seen here, ${top}`,
    'mount the subvolume itself',
  );
};

const lookAt = (path: string): BigIntStats => statSync(path, { bigint: true });

export const unusable = (path: string, what: string, hint: string): HoldfastError =>
  new HoldfastError('SOURCE_UNREACHABLE', `no snapshot can be made of ${printable(path)}: it ${what}`, {
    hint,
  });

let taken = 0;

/** Takes one of the subvolume with that root, and gives its own root. SOURCE_DENIED. */
export const takeSnapshot = async (top: string): Promise<string> => {
  const folder = join(top, snapshotsFolder);
  makeOwnFolder(folder);
  taken += 1;
  const path = join(folder, nameFor(thisProcess(), taken));
  await btrfs('subvolume', 'snapshot', '-r', top, path);
  return path;
};

/** SOURCE_DENIED when it is there still. */
export const removeSnapshot = async (path: string): Promise<void> => {
  try {
    await btrfs('subvolume', 'delete', path);
  } catch (error) {
    if (existsSync(path)) throw error; // else another run was quicker
  }
};

/** Nobody but us sees what is in it, whatever the modes of the files there. */
const makeOwnFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return;
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST')
      throw new HoldfastError('SOURCE_DENIED', `cannot make ${folder}: ${messageOf(cause)}`, {
        cause,
        hint: rootHint,
      });
  }
  const stat = lstatSync(folder);
  if (stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0) return;
  throw new HoldfastError('SOURCE_DENIED', `${folder} is not a folder that only this user may enter`, {
    hint: 'somebody else made it: look at it, and remove it',
  });
};

export interface KnownSnapshot {
  readonly path: string;
  readonly maker: ProcessIdentity;
}

/** Those that runs took of the subvolume with that root, and that are there. */
export const snapshotsIn = (top: string): KnownSnapshot[] => {
  const folder = join(top, snapshotsFolder);
  return namesIn(folder).flatMap((name) => {
    const maker = makerIn(name);
    return maker ? [{ path: join(folder, name), maker }] : [];
  });
};

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return []; // none was ever taken, or not by this user
  }
};

/** The name tells whose it is, so that what a run left that was killed is known for what it is. */
const nameFor = ({ host, pid, started }: ProcessIdentity, count: number): string =>
  [host, pid, started, count].map(encodeURIComponent).join(',');

const makerIn = (name: string): ProcessIdentity | undefined => {
  const parts = name.split(',');
  if (parts.length !== 4 || !/^\d+$/.test(parts[1] ?? '')) return undefined;
  try {
    const [host = '', pid = '', started = ''] = parts.map(decodeURIComponent);
    return { host, pid: Number(pid), started };
  } catch {
    return undefined; // no name of ours
  }
};

/** Runs `btrfs`; SOURCE_DENIED with what it says when it fails. The `PATH` of cron lacks where it lies. */
export const btrfs = async (...args: readonly string[]): Promise<void> => {
  const env = {
    ...process.env,
    PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
    LC_ALL: 'C',
  };
  try {
    await execute('btrfs', args, { env });
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT')
      throw new HoldfastError('SOURCE_DENIED', 'the program btrfs is not there', {
        cause,
        hint: 'install btrfs-progs, or leave `fsSnapshot` out',
      });
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new HoldfastError(
      'SOURCE_DENIED',
      `btrfs ${args.slice(0, 2).join(' ')} failed: ${said || messageOf(cause)}`,
      {
        cause,
        hint: rootHint,
      },
    );
  }
};

const rootHint = 'snapshots of btrfs are made and removed by root; or leave `fsSnapshot` out';
