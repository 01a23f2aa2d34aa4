// Entries of any snapshot, a stranger's too, written into one folder.
import { linkSync, symlinkSync } from 'node:fs';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode, systemCode } from '#lib/errors.ts';
import { encodeName } from '#lib/file-name.ts';
import type { Entry, EntryType, RestoreReport, RestoreTarget } from '../source.ts';
import { createHardLinks } from './hard-links.ts';
import { createPause } from './pause.ts';
import { clearPlace, placeToMakeAt, restoreFile, takePlace } from './restore-file.ts';
import { metadataWriter } from './restore-metadata.ts';
import type { SystemCalls } from './system-calls.ts';
import { reasonOf } from './system-error.ts';
import { openTargetFolder } from './target-folder.ts';
import { type HeldFolder, type Place, pathOf, TargetTree } from './target-tree.ts';

export interface RestoreOptions {
  readonly folder: string;
  readonly sparse: boolean;
  readonly overwrite: 'always' | 'if-changed';
  readonly calls: SystemCalls | undefined;
  readonly xattrs: boolean;
  readonly signal: AbortSignal;
}

/**
 * Writes the entries in their order; each folder's own metadata once everything in it is there. What fails is in the
 * report and the rest goes on, except where nothing more could succeed: a full disk, a lost store, a cancelled run.
 */
export const restoreEntries = async (
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
  options: RestoreOptions,
): Promise<RestoreReport> => {
  const target = openTargetFolder(options.folder, into.force);
  const job = openJob(target.path, into, options);
  try {
    for await (const entry of entries) {
      throwIfCancelled(options.signal);
      if (job.pause.due()) await job.pause.take();
      await job.attempt(entry.path, async () => {
        if (entry.path !== '' || entry.type !== 'dir') job.bytes += await restoreEntry(job, entry);
        else if (target.wasEmpty) job.tree.root.meta = entry.meta;
        job.entries += 1;
      });
      into.onProgress?.({ entries: job.entries, bytes: job.bytes, current: entry.path });
    }
    job.tree.leaveAll();
    return job.report();
  } finally {
    job.tree.close();
  }
};

type Job = ReturnType<typeof openJob>;

const openJob = (folder: string, { force }: RestoreTarget, options: RestoreOptions) => {
  const metadata = metadataWriter(options);
  const pause = createPause();
  const failures: { readonly path: string; readonly error: Error }[] = [];
  const fail = (path: string, error: unknown): void => {
    if (isFatal(error)) throw fatal(error, folder, path);
    failures.push({ path, error: failureOf(path || folder, error) });
  };
  const leave = (held: HeldFolder): void => {
    try {
      if (held.meta && held.file !== undefined) metadata.ofFile(held.file, held.meta);
      else if (held.meta) metadata.ofPath(held.prefix.slice(0, -1), 'dir', held.meta);
    } catch (error) {
      fail(held.path, error);
    }
  };
  const job = {
    tree: new TargetTree(folder, leave),
    links: createHardLinks(),
    metadata,
    pause,
    force,
    options,
    entries: 0,
    bytes: 0,
    sockets: 0,
    copies: 0,
    attempt: async (path: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        fail(path, error);
      }
    },
    /** Between the chunks of a file. */
    between: (): Promise<void> | undefined => {
      throwIfCancelled(options.signal);
      return pause.due() ? pause.take() : undefined;
    },
    report: (): RestoreReport => ({
      entries: job.entries,
      bytes: job.bytes,
      failures,
      warnings: [
        ...metadata.warnings(),
        ...(job.copies > 0 ? [`${job.copies} hard links were restored as copies`] : []),
        ...(job.sockets > 0
          ? [`${job.sockets} sockets were not restored: their programs make new ones`]
          : []),
      ],
    }),
  };
  return job;
};

/** Gives the bytes written. */
const restoreEntry = async (job: Job, entry: Entry): Promise<number> => {
  const { path, type, meta } = entry;
  if (type === 'dir') {
    job.tree.enter(path, meta, job.force);
    return 0;
  }
  const place = job.tree.placeOf(path);
  if (type === 'file') return restoreFileOrLink(job, entry, place);
  if (type === 'socket') job.sockets += 1;
  else {
    const madeAt = placeToMakeAt(place, path, job.force);
    if (type === 'symlink') makeSymlink(entry, madeAt);
    else makeSpecial(entry, madeAt, job.options.calls);
    try {
      job.metadata.ofPath(madeAt.folder.prefix + madeAt.name, type, meta);
    } finally {
      takePlace(path, madeAt, place);
    }
  }
  return 0;
};

const restoreFileOrLink = async (job: Job, entry: Entry, place: Place): Promise<number> => {
  const earlier = job.links.earlier(entry);
  if (earlier !== undefined) {
    clearPlace(place, entry.path, job.force);
    if (linkTo(job, earlier, place)) return 0;
    job.copies += 1;
  }
  const { force, metadata, between } = job;
  const { overwrite, sparse, calls } = job.options;
  const written = await restoreFile(entry, place, {
    force,
    overwrite,
    sparse,
    metadata,
    calls,
    between,
  });
  job.links.remember(entry);
  return written;
};

/** False where the file system has no hard links, or the earlier file is gone: the content is at hand all the same. */
const linkTo = ({ tree }: Job, earlier: string, place: Place): boolean => {
  try {
    tree.withEarlier(earlier, (target) => linkSync(pathOf(target), pathOf(place)));
    return true;
  } catch {
    return false;
  }
};

const makeSymlink = ({ path, meta }: Entry, place: Place): void => {
  if (meta.linkTarget === undefined)
    throw new HoldfastError('TARGET_FAILED', `the symlink ${path} has no target in the snapshot`, {
      hint: 'the snapshot may be damaged: run `holdfast check`',
    });
  symlinkSync(encodeName(meta.linkTarget), pathOf(place));
};

/** linux/stat.h */
const typeBits: Readonly<Partial<Record<EntryType, number>>> = {
  fifo: 0o010000,
  chardev: 0o020000,
  dev: 0o060000,
};

const makeSpecial = ({ path, type, meta }: Entry, place: Place, calls: SystemCalls | undefined): void => {
  if (type === 'irregular')
    throw new HoldfastError(
      'UNSUPPORTED',
      `${path} is neither a file, a folder nor a link, and has no content`,
      {
        hint: 'restic found it so on Windows: a junction, a socket or a file that lay in a cloud; make it by hand',
      },
    );
  const bits = typeBits[type];
  if (!calls || bits === undefined)
    throw new HoldfastError('UNSUPPORTED', `${path} is a ${type}, which cannot be made on this platform`, {
      hint: 'make it by hand, or restore on 64-bit Linux with the optional dependencies installed',
    });
  try {
    calls.makeNode(place.folder.prefix + place.name, bits | 0o600, meta.device ?? 0n);
  } catch (cause) {
    if (systemCode(cause) !== 'EPERM') throw cause;
    throw new HoldfastError('TARGET_FAILED', `cannot make the device ${path}: ${reasonOf(cause)}`, {
      hint: 'run the restore as root, outside of a container',
      cause,
    });
  }
};

const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT', 'EROFS'].includes(systemCode(error) ?? '');

const isFatal = (error: unknown): boolean =>
  isFull(error) || hasCode(error, 'CANCELLED', 'STORE_UNREACHABLE', 'STORE_DENIED', 'STORE_FULL');

const fatal = (error: unknown, folder: string, path: string): unknown =>
  isFull(error)
    ? new HoldfastError('TARGET_FAILED', `cannot write more into ${folder}: ${reasonOf(error)}`, {
        hint:
          systemCode(error) === 'EROFS'
            ? `let the file system be written to, then restore again with --force; ${path} may be cut short, the rest is whole`
            : 'make room, then restore again with --force; what is there already is whole',
        cause: error,
      })
    : error;

const failureOf = (path: string, error: unknown): Error =>
  error instanceof HoldfastError
    ? error
    : new HoldfastError('TARGET_FAILED', `cannot restore ${path}: ${reasonOf(error)}`, {
        hint: 'check the rights on the target folder',
        cause: error,
      });
