// The store over SFTP: whole objects by temporary name and rename, ranges, listings.
import { posix } from 'node:path';
import type { Context } from '#lib/kind.ts';
import { mostBytesOf, tooLong } from '../answer-size.ts';
import { checkFileKey, checkRange, Guard, missingObject } from '../guard.ts';
import type { ByteRange, Checksums, ComparedPuts, Folders, LargeObjects, Store } from '../store.ts';
import { removeUnfinished, temporaryName, wholeFiles } from '../temporary-name.ts';
import { abandonLarge, beginLarge, wasCommitted } from './large-object.ts';
import { listFiles, removeEmptyFolders } from './list-files.ts';
import { ServerChecksums } from './server-checksums.ts';
import type { SftpConfig } from './sftp.ts';
import { hasStatus, serverFull, sftpError, sftpStatus } from './sftp-error.ts';
import { type SftpLine, SftpSession } from './sftp-session.ts';
import { formatSftpUrl } from './sftp-url.ts';
import { closeFile, openFile, readFully, sizeOf, writeAndReadBack, writeWhole } from './transfer.ts';

/** The store in that folder of the server; nothing is connected before the first call. */
export const openSftpStore = (
  config: SftpConfig,
  context: Pick<Context, 'log'>,
): Store & Folders & LargeObjects & ComparedPuts & Partial<Checksums> => {
  const place: Place = {
    session: new SftpSession(config, formatSftpUrl(config), context.log),
    location: formatSftpUrl(config),
    root: config.path,
    isFound: false,
  };
  const checksums = config.commands === 'checksums' ? new ServerChecksums(place) : undefined;
  const guard = new Guard(place.location, checkFileKey);
  return {
    connections: config.connections,
    location: place.location,
    async put(key, bytes) {
      guard.checkKey(key);
      await place.session.work(async (line) => void (await putFile(line, place, key, bytes)));
    },
    /** One that fits into a request, where the server is not asked for a checksum. */
    async putCompared(key, bytes) {
      guard.checkKey(key);
      const isTold = (await checksums?.areTold()) ?? false;
      return await place.session.work(async (line) => {
        const readsBack = !isTold && bytes.length > 0 && bytes.length <= line.pieceBytes;
        return await putFile(line, place, key, bytes, readsBack);
      });
    },
    async get(key, range) {
      guard.checkKey(key);
      return await place.session.work((line) => getFile(line, place, key, range));
    },
    async *list(prefix, options) {
      guard.checkPrefix(prefix);
      yield* wholeFiles(listFiles(place, prefix, options));
    },
    async delete(key) {
      guard.checkKey(key);
      await removeFile(place, key);
    },
    async removeLeftovers(prefix) {
      guard.checkPrefix(prefix);
      return await removeUnfinished(listFiles(place, prefix), (key) => removeFile(place, key));
    },
    async removeEmptyFolders(folder) {
      guard.checkPrefix(folder);
      await removeEmptyFolders(place, folder);
    },
    async beginLarge(key) {
      guard.checkKey(key);
      return await beginLarge(place, key);
    },
    async wasCommitted(key, token) {
      guard.checkKey(key);
      return await wasCommitted(place, key, token);
    },
    async abandonLarge(key, token) {
      guard.checkKey(key);
      await abandonLarge(place, key, token);
    },
    deleteLarge(key) {
      return this.delete(key);
    },
    ...(checksums &&
      ({
        async checksum(key, question) {
          guard.checkKey(key);
          return await checksums.checksum(key, question);
        },
      } satisfies Checksums)),
    async [Symbol.asyncDispose]() {
      guard.close();
      place.session.close();
    },
  };
};

export interface Place {
  readonly session: SftpSession;
  readonly location: string;
  readonly root: string;
  /** Whether the root was seen: then it is there, or its disk is gone from the server. */
  isFound: boolean;
}

/** Whether it was read back, and is the same. The protocol cannot sync a folder: how soon the rename outlives a power cut is up to the server's file system. */
const putFile = async (
  line: SftpLine,
  place: Place,
  key: string,
  bytes: Uint8Array,
  readsBack = false,
): Promise<boolean> => {
  const path = posix.join(place.root, key);
  const temporary = temporaryName(path);
  try {
    const file = await openNew(line, temporary, undefined, readsBack ? 'xw+' : 'wx');
    const isSame = readsBack && Buffer.compare(await writeAndReadBack(line, file, bytes), bytes) === 0;
    if (!readsBack) await writeWhole(line, file, bytes);
    await rename(line, temporary, path);
    place.isFound = true;
    return isSame;
  } catch (cause) {
    const full = hasStatus(cause, sftpStatus.failure) && (await lacksRoom(line, place.root, bytes.length));
    await unlink(line, temporary).catch(() => {}); // it may never have been made; readers skip its name anyway
    throw full ? serverFull(cause, place.location, key) : sftpError(cause, 'write', place.location, key);
  }
};

/** A new file, with the folders above it. */
export const openNew = async (
  line: SftpLine,
  path: string,
  permissions?: number,
  mode: 'wx' | 'xw+' = 'wx',
): Promise<Buffer> => {
  try {
    return await openFile(line, path, mode, permissions);
  } catch (error) {
    if (!hasStatus(error, sftpStatus.noSuchFile)) throw error;
    await makeFolder(line, posix.dirname(path));
    return openFile(line, path, mode, permissions);
  }
};

const makeFolder = async (line: SftpLine, path: string): Promise<void> => {
  const make = () => line.request<void>((sftp, answer) => sftp.mkdir(path, { mode: 0o700 }, answer));
  try {
    await make();
  } catch (error) {
    if (hasStatus(error, sftpStatus.failure)) return; // it is there: somebody was quicker
    const parent = posix.dirname(path);
    if (!hasStatus(error, sftpStatus.noSuchFile) || parent === path) throw error;
    await makeFolder(line, parent);
    await make().catch((again: unknown) => {
      if (!hasStatus(again, sftpStatus.failure)) throw again;
    });
  }
};

/** Replaces the target where the server can (OpenSSH); others refuse to rename onto a file, so that is removed first. */
export const rename = async (line: SftpLine, from: string, to: string): Promise<void> => {
  try {
    await line.request<void>((sftp, answer) => sftp.ext_openssh_rename(from, to, answer));
  } catch (error) {
    if (!isMissingExtension(error)) throw error;
    await renamePlainly(line, from, to);
  }
};

/**
 * What is in the way is moved aside until the object has its name: the server may refuse to rename for other reasons, and says so in the
 * same words. Where two put the same object at once, each may move what the other has just put there: the last attempt tells.
 */
const renamePlainly = async (line: SftpLine, from: string, to: string): Promise<void> => {
  const move = (source: string, target: string): Promise<void> =>
    line.request<void>((sftp, answer) => sftp.rename(source, target, answer));
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await move(from, to);
    } catch (error) {
      if (attempt === 10) throw error;
      const aside = temporaryName(to);
      const isAside = await move(to, aside).then(
        () => true,
        () => false, // it may be gone again
      );
      if (!isAside) continue;
      try {
        await move(from, to);
      } catch {
        await move(aside, to).catch(() => {}); // somebody else may have put it there meanwhile
        continue;
      }
      await unlink(line, aside).catch(() => {}); // readers skip its name anyway
      return;
    }
  }
};

export const unlink = (line: SftpLine, path: string): Promise<void> =>
  line.request<void>((sftp, answer) => sftp.unlink(path, answer));

const getFile = async (
  line: SftpLine,
  place: Place,
  key: string,
  range: ByteRange | undefined,
): Promise<Uint8Array> => {
  const { location, root } = place;
  try {
    const file = await openFile(line, posix.join(root, key), 'r');
    place.isFound = true;
    try {
      const wanted = range ?? { offset: 0, length: await sizeOf(line, file) };
      if (!(wanted.length <= mostBytesOf(key, range))) throw tooLong(mostBytesOf(key)); // before there is room for it
      const bytes = await readFully(line, file, wanted);
      if (bytes === undefined || wanted.length === 0)
        checkRange(location, key, wanted, await sizeOf(line, file));
      if (bytes === undefined) throw new Error('it became shorter while it was read');
      return bytes;
    } finally {
      closeFile(line, file).catch(() => {}); // nothing depends on it, so nobody waits for it
    }
  } catch (cause) {
    if (hasStatus(cause, sftpStatus.noSuchFile)) throw missingObject(location, key, cause);
    throw sftpError(cause, 'read', location, key);
  }
};

const removeFile = async (place: Place, key: string): Promise<void> => {
  try {
    await unlink(await place.session.line(), posix.join(place.root, key));
  } catch (cause) {
    if (!hasStatus(cause, sftpStatus.noSuchFile)) throw sftpError(cause, 'delete', place.location, key);
  }
};

/** A server says no more than "failure" when its disk is full; OpenSSH can be asked how much is free. */
export const lacksRoom = async (line: SftpLine, root: string, sizeBytes: number): Promise<boolean> => {
  try {
    const free = await line.request<{ f_bavail: unknown; f_frsize: unknown }>((sftp, answer) =>
      sftp.ext_openssh_statvfs(root, answer),
    );
    return Number(free.f_bavail) * Number(free.f_frsize) < sizeBytes + 1024 * 1024;
  } catch {
    return false; // not known
  }
};

const isMissingExtension = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('Server does not support');
