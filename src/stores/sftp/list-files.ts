// The files below a prefix: several folders at a time, because each costs a few journeys to the server.
import { posix } from 'node:path';
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { leadsAbove, linkLoop } from '../link-loop.ts';
import type { ListOptions, StoredObject } from '../store.ts';
import { unlessUnreadable } from '../unreadable.ts';
import { hasStatus, sftpError, sftpStatus } from './sftp-error.ts';
import type { SftpLine } from './sftp-session.ts';
import type { Place } from './sftp-store.ts';

const foldersAtOnce = 16;
/** A server answers with about a hundred names at a time. */
const answersAtOnce = 8;

/** Longer paths no system has: folders in which there is always one more would be gone through for ever. */
const longestKey = 4096;
/** So many answers without a new name no server gives, even where files come and go. */
const mostIdleAnswers = 100;
/** More names of one folder take gigabytes, and so do more folders. */
const mostNames = 2 ** 22;

interface Level {
  readonly objects: readonly StoredObject[];
  readonly folders: readonly Folder[];
}

interface Folder {
  /** Ends in '/', or is the store's own. */
  readonly key: string;
  /** Where the links on the way to it lie. */
  readonly linksFrom: readonly string[];
}

const nothing: Level = { objects: [], folders: [] };

/** Every file whose key begins with the prefix. What goes away meanwhile is left out. */
export async function* listFiles(
  place: Place,
  prefix: string,
  options: ListOptions = {},
): AsyncGenerator<StoredObject> {
  const cut = prefix.lastIndexOf('/') + 1;
  let level: Folder[] = [{ key: prefix.slice(0, cut), linksFrom: [] }];
  let start = prefix.slice(cut);
  let count = 0;
  while (level.length > 0) {
    const next: Folder[] = [];
    const read = async (folder: Folder): Promise<Level> =>
      (await unlessUnreadable(folder.key, options, () => readFolder(place, folder, start, options))) ??
      nothing;
    for await (const { objects, folders } of mapOrdered(level, foldersAtOnce, read)) {
      yield* objects;
      count += folders.length;
      if (count > mostNames)
        throw sftpError(new Error('its folders do not end'), 'list', place.location, prefix);
      for (const folder of folders) next.push(folder);
    }
    level = next;
    start = '';
  }
}

const readFolder = async (
  place: Place,
  { key: folder, linksFrom }: Folder,
  start: string,
  options: ListOptions,
): Promise<Level> => {
  const objects: StoredObject[] = [];
  const folders: Folder[] = [];
  try {
    const line = await place.session.line();
    const entries = await entriesOf(line, posix.join(place.root, folder));
    place.isFound = true;
    for (const entry of entries) {
      const name = entry.filename;
      if (name === '.' || name === '..' || !name.startsWith(start)) continue;
      const key = folder + name;
      if (!isName(name) || key.length > longestKey)
        throw new Error(
          `it lists ${JSON.stringify(key.slice(-100))}, which cannot be a file or folder of it`,
        );
      const isLink = entry.attrs.isSymbolicLink();
      const attrs =
        isLink || !tellsAll(entry.attrs) ? await lookAt(line, posix.join(place.root, key)) : entry.attrs;
      if (attrs?.isDirectory()) {
        const follow = async () => (isLink ? await followed(line, place, key, linksFrom) : linksFrom);
        const links = await unlessUnreadable(key, options, follow);
        if (links) folders.push({ key: `${key}/`, linksFrom: links });
      } else if (attrs?.isFile()) objects.push(objectOf(key, attrs));
    }
  } catch (cause) {
    if (!hasStatus(cause, sftpStatus.noSuchFile) && !(await isFile(place, folder, cause)))
      throw sftpError(cause, 'list', place.location, folder || 'its objects');
    if (place.isFound) await assertRoot(place);
    // Its name is not UTF-8, and so names nothing: listed all the same, it is seen to be missing when it is read.
    if (folder.includes('\uFFFD')) objects.push({ key: folder.slice(0, -1), size: 0 });
  }
  return { objects, folders };
};

/** Where the links lie when another one is followed. One that leads to a folder above it would be followed for ever. */
const followed = async (
  line: SftpLine,
  { root }: Place,
  key: string,
  linksFrom: readonly string[],
): Promise<readonly string[]> => {
  const realPath = (path: string): Promise<string> =>
    line.request<string>((sftp, answer) => sftp.realpath(path, answer));
  const path = posix.join(root, key);
  try {
    const [from, to] = await Promise.all([realPath(posix.dirname(path)), realPath(path)]);
    const all = [...linksFrom, from];
    if (leadsAbove(to, all)) throw linkLoop(path);
    return all;
  } catch (error) {
    if (hasStatus(error, sftpStatus.unsupported)) return linksFrom; // nothing tells, then
    throw error;
  }
};

const objectOf = (key: string, { size, mtime }: Attributes): StoredObject => ({
  key,
  size,
  ...(mtime !== undefined && { modified: new Date(mtime * 1000) }),
});

/** Whether a folder can have it, besides those for itself and the folder above. */
const isName = (name: string): boolean => !['', '.', '..'].includes(name) && !/[/\0]/.test(name);

/** What lies on a disk that is gone from the server is not gone: who took it for gone would overlook locks. */
const assertRoot = async ({ session, root, location }: Place): Promise<void> => {
  if (await lookAt(await session.line(), root)) return;
  throw new HoldfastError('STORE_UNREACHABLE', `${location}: the folder is not found any more`, {
    hint: 'check the disk of the server',
  });
};

/** Removes the folder and those in it, innermost first; what something lies in stays. */
export const removeEmptyFolders = async (place: Place, folder: string): Promise<void> => {
  const path = posix.join(place.root, folder);
  try {
    const line = await place.session.line();
    for (const { filename, attrs } of await entriesOf(line, path))
      if (attrs.isDirectory() && isName(filename) && path.length <= longestKey)
        await removeEmptyFolders(place, posix.join(folder, filename));
    await line.request<void>((sftp, answer) => sftp.rmdir(path, answer));
  } catch (cause) {
    // A folder that something is in is a failure like any other to the protocol.
    if (!hasStatus(cause, sftpStatus.noSuchFile) && !hasStatus(cause, sftpStatus.failure))
      throw sftpError(cause, 'remove', place.location, folder);
  }
};

/** To list what is no folder is a failure like any other on some servers. */
const isFile = async (place: Place, folder: string, cause: unknown): Promise<boolean> => {
  if (!hasStatus(cause, sftpStatus.failure)) return false;
  const path = posix.join(place.root, folder).replace(/\/$/, '');
  const found = await lookAt(await place.session.line(), path).catch(() => undefined); // the first failure tells
  return found?.isDirectory() === false;
};

interface Attributes {
  readonly mode: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number | undefined;
  isDirectory(): boolean;
  isFile(): boolean;
  isSymbolicLink(): boolean;
}

interface Entry {
  readonly filename: string;
  readonly attrs: Attributes;
}

/** The protocol lets a server say nothing of a file: what is not known to be one would count as not there. */
const tellsAll = (attrs: Partial<Attributes>): boolean =>
  attrs.mode !== undefined && attrs.size !== undefined;

const entriesOf = async (line: SftpLine, path: string): Promise<Entry[]> => {
  const folder = await line.request<Buffer>((sftp, answer) => sftp.opendir(path, answer));
  try {
    const entries = new Map<string, Entry>();
    for (let ended = false, idle = 0; !ended; ) {
      const asked = Array.from({ length: answersAtOnce }, () => readSome(line, folder));
      for (const answer of await Promise.all(asked)) {
        const before = entries.size;
        for (const entry of answer ?? []) entries.set(entry.filename, entry);
        idle = entries.size > before ? 0 : idle + 1;
        if (answer === undefined) ended = true;
        else if (idle > mostIdleAnswers || entries.size > mostNames) throw new Error('its list does not end');
      }
    }
    return [...entries.values()];
  } finally {
    line.request<void>((sftp, answer) => sftp.close(folder, answer)).catch(() => {}); // nothing depends on it
  }
};

/** The next names, or undefined after the last. */
const readSome = async (line: SftpLine, folder: Buffer): Promise<readonly Entry[] | undefined> => {
  try {
    return await line.request<Entry[]>((sftp, answer) => sftp.readdir(folder, answer));
  } catch (error) {
    if (hasStatus(error, sftpStatus.endOfFile) && !isBrokenOff(error)) return undefined;
    throw error;
  }
};

/** Servers written with Go's sftp give this status, too, when what lies behind them (an S3 service) broke off: 'Get "https://…": EOF'. */
const isBrokenOff = (error: unknown): boolean => /\S[:,] (unexpected )?EOF$/.test(messageOf(error));

const untold = (path: string): HoldfastError =>
  new HoldfastError('UNSUPPORTED', `the SFTP server does not say what ${path} is, or how large`, {
    hint: 'have the folder served by another server, as OpenSSH’s, or choose another kind of store',
  });

/** What a path leads to. */
const lookAt = async (line: SftpLine, path: string): Promise<Attributes | undefined> => {
  try {
    const attrs = await line.request<Attributes>((sftp, answer) => sftp.stat(path, answer));
    if (!tellsAll(attrs)) throw untold(path);
    return attrs;
  } catch (error) {
    if (hasStatus(error, sftpStatus.noSuchFile)) return undefined;
    throw error;
  }
};
