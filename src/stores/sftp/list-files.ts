// The files below a prefix: several folders at a time, because each costs a few journeys to the server.
import { posix } from 'node:path';
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { StoredObject } from '../store.ts';
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
/** More names of one folder take gigabytes. */
const mostNames = 2 ** 22;

interface Folder {
  readonly objects: readonly StoredObject[];
  readonly folders: readonly string[];
}

/** Every file whose key begins with the prefix. What goes away meanwhile is left out. */
export async function* listFiles(place: Place, prefix: string): AsyncGenerator<StoredObject> {
  const cut = prefix.lastIndexOf('/') + 1;
  let level: string[] = [prefix.slice(0, cut)];
  let start = prefix.slice(cut);
  while (level.length > 0) {
    const next: string[] = [];
    const read = (folder: string) => readFolder(place, folder, start);
    for await (const { objects, folders } of mapOrdered(level, foldersAtOnce, read)) {
      yield* objects;
      next.push(...folders);
    }
    level = next;
    start = '';
  }
}

const readFolder = async (place: Place, folder: string, start: string): Promise<Folder> => {
  const objects: StoredObject[] = [];
  const folders: string[] = [];
  try {
    const line = await place.session.line();
    const entries = await entriesOf(line, posix.join(place.root, folder));
    place.isFound = true;
    for (const entry of entries) {
      const name = entry.filename;
      if (name === '.' || name === '..' || !name.startsWith(start)) continue;
      const key = folder + name;
      if (name === '' || /[/\0]/.test(name) || key.length > longestKey)
        throw new Error(
          `it lists ${JSON.stringify(key.slice(-100))}, which cannot be a file or folder of it`,
        );
      const attrs = entry.attrs.isSymbolicLink()
        ? await followLink(line, posix.join(place.root, key))
        : entry.attrs;
      if (attrs?.isDirectory()) folders.push(`${key}/`);
      else if (attrs?.isFile())
        objects.push({ key, size: attrs.size, modified: new Date(attrs.mtime * 1000) });
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

/** What lies on a disk that is gone from the server is not gone: who took it for gone would overlook locks. */
const assertRoot = async ({ session, root, location }: Place): Promise<void> => {
  if (await followLink(await session.line(), root)) return;
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
      if (attrs.isDirectory() && filename !== '.' && filename !== '..')
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
  const found = await followLink(await place.session.line(), path).catch(() => undefined); // the first failure tells
  return found?.isDirectory() === false;
};

interface Attributes {
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  isDirectory(): boolean;
  isFile(): boolean;
  isSymbolicLink(): boolean;
}

interface Entry {
  readonly filename: string;
  readonly attrs: Attributes;
}

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

const followLink = async (line: SftpLine, path: string): Promise<Attributes | undefined> => {
  try {
    return await line.request<Attributes>((sftp, answer) => sftp.stat(path, answer));
  } catch (error) {
    if (hasStatus(error, sftpStatus.noSuchFile)) return undefined;
    throw error;
  }
};
