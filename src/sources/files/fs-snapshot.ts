// Files as of one moment: read from snapshots of the file systems that they lie on.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { mayBeAlive } from '#lib/process-identity.ts';
import { attempt } from '../findings.ts';
import type { Finding } from '../source.ts';
import {
  btrfs,
  isOnBtrfs,
  type KnownSnapshot,
  removeSnapshot,
  snapshotsIn,
  subvolumeOf,
  takeSnapshot,
  unusable,
} from './btrfs.ts';
import type { FilesConfig } from './options.ts';
import { isWithin, type Moved } from './places.ts';
import { pathsAsked } from './roots.ts';

/** Where what was asked for is to be read, in snapshots that are taken for it and go when `held` is closed, or in one that a hook made. */
export const whereToRead = async (
  config: FilesConfig,
  held: AsyncDisposableStack,
  context: Pick<Context, 'log' | 'signal'>,
): Promise<Moved[]> => {
  if (config.fsSnapshot) return await moveIntoSnapshots(config, held, context);
  return config.path === undefined || config.readFrom === undefined
    ? []
    : [mounted(config.path, config.readFrom)];
};

/** SOURCE_UNREACHABLE when what is there is not what `path` is in a snapshot of its file system, which keeps the numbers of inodes. */
const mounted = (path: string, readFrom: string): Moved => {
  const [from, to] = [resolve(path), resolve(readFrom)];
  const real = realpathSync(from);
  const deviceId = deviceOfSame(real, to);
  if (deviceId !== undefined && deviceId !== statSync(to, { bigint: true }).dev)
    return {
      ...{ from, to, deviceId },
      hasSubvolumes: isOnBtrfs(to),
      mounts: mountsWithin(real, from, mountPoints()),
    };
  throw new HoldfastError('SOURCE_UNREACHABLE', `${to} is not ${from} in a snapshot of its file system`, {
    hint: 'have a hook make the snapshot and mount it, `held` in a backup that is `together`, else `before`; `readFrom` is the same folder in it',
  });
};

/** Each goes when `held` is closed; one that cannot is warned of. What is not there is not moved: whoever reads it learns so. */
const moveIntoSnapshots = async (
  config: FilesConfig,
  held: AsyncDisposableStack,
  { log, signal }: Pick<Context, 'log' | 'signal'>,
): Promise<Moved[]> => {
  const asked = inSubvolumes(config);
  const mounts = mountPoints();
  const snapshots = new Map<string, string>();
  for (const top of new Set(asked.map((one) => one.top))) {
    throwIfCancelled(signal);
    for (const { path, maker } of snapshotsIn(top)) if (!mayBeAlive(maker)) await removeOrWarn(path, log);
    const snapshot = await takeSnapshot(top);
    held.defer(() => removeOrWarn(snapshot, log));
    snapshots.set(top, snapshot);
  }
  return asked.map(({ from, real, top }) => {
    const snapshot = snapshots.get(top) ?? top;
    const to = join(snapshot, relative(top, real));
    const deviceId = deviceOfSame(real, to);
    if (deviceId !== undefined)
      return {
        ...{ from, to, deviceId },
        hasSubvolumes: true,
        mounts: mountsWithin(real, from, mounts),
      };
    throw unusable(
      real,
      'is mounted from another place',
      'give the source the path that it has in its own subvolume',
    );
  });
};

/** The number of the device of `real`; undefined when the other is something else. */
const deviceOfSame = (real: string, inSnapshot: string): bigint | undefined => {
  const [live, kept] = [real, inSnapshot].map((path) =>
    statSync(path, { bigint: true, throwIfNoEntry: false }),
  );
  return live && live.ino === kept?.ino ? live.dev : undefined;
};

/** Those below `real`, as paths below what it was asked for as. */
const mountsWithin = (real: string, from: string, mounts: readonly string[]): string[] =>
  mounts.filter((one) => one !== real && isWithin(real, one)).map((one) => join(from, relative(real, one)));

/** What is there of what was asked for, and the root of the subvolume in which it lies. */
const inSubvolumes = (config: FilesConfig) =>
  pathsAsked(config).flatMap((from) => {
    const real = realPathOf(from);
    return real === undefined ? [] : [{ from, real, top: subvolumeOf(real) }];
  });

const removeOrWarn = async (snapshot: string, log: Context['log']): Promise<void> => {
  try {
    await removeSnapshot(snapshot);
  } catch (error) {
    log.warn(
      { snapshot, reason: messageOf(error), hint: 'the next backup tries again; it takes room until then' },
      'a snapshot of the file system could not be removed',
    );
  }
};

/** What would keep snapshots from being taken, and those that lie about. Takes none. */
export const checkSnapshots = (config: FilesConfig): Promise<Finding[]> =>
  attempt('fsSnapshot', async () => {
    const tops = new Set(inSubvolumes(config).map(({ top }) => top));
    await btrfs('--version');
    if (process.getuid?.() !== 0)
      return [
        { level: 'warning', subject: 'fsSnapshot', message: 'is for root, who alone may remove snapshots' },
      ];
    return [...tops].flatMap(snapshotsIn).flatMap(leftover);
  });

/** Of a run on another machine, as of one in another container, only people can tell whether it goes on. */
const leftover = ({ path, maker }: KnownSnapshot): Finding[] => {
  const warning = (message: string, hint: string): Finding[] => [
    { level: 'warning', subject: path, message: `${message}, and takes room`, hint },
  ];
  if (!mayBeAlive(maker)) return warning('was left by a run that was killed', 'the next backup removes it');
  if (maker.host === hostname()) return [];
  return warning(
    `was taken by a run on ${maker.host}`,
    `if no run there uses it: btrfs subvolume delete '${path}'`,
  );
};

const realPathOf = (path: string): string | undefined => {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
};

/** The fifth field of proc_pid_mountinfo(5), in which spaces and the like stand as \040. */
const mountPoints = (): string[] => {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .flatMap((line) => line.split(' ')[4] ?? [])
      .map((path) =>
        path.replaceAll(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
      );
  } catch (cause) {
    throw new HoldfastError('UNSUPPORTED', 'this system does not tell where file systems are mounted', {
      cause,
      hint: 'leave `fsSnapshot` out',
    });
  }
};
