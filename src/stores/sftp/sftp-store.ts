// The store over SFTP: whole objects by temporary name and rename, ranges, listings.
import { posix } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { checkKey, checkPrefix, checkRange, closedStore, missingObject } from '../guard.ts';
import type { ByteRange, Store } from '../store.ts';
import { isTemporaryName, temporaryName } from '../temporary-name.ts';
import { listFiles } from './list-files.ts';
import type { SftpConfig } from './sftp.ts';
import { hasStatus, serverFull, sftpError, sftpStatus } from './sftp-error.ts';
import { SftpSession } from './sftp-session.ts';
import { formatSftpUrl } from './sftp-url.ts';
import { closeFile, openFile, readFully, sizeOf, syncFile, writeFully } from './transfer.ts';

/** The store in that folder of the server; nothing is connected before the first call. */
export const openSftpStore = (config: SftpConfig, context: Pick<Context, 'log'>): Store => {
  const place: Place = {
    session: new SftpSession(config, formatSftpUrl(config), context.log),
    location: formatSftpUrl(config),
    root: config.path,
  };
  let closed = false;
  const checkOpen = (): void => {
    if (closed) throw closedStore(place.location);
  };
  return {
    connections: config.connections,
    location: place.location,
    async put(key, bytes) {
      checkOpen();
      checkName(key);
      await putFile(place, key, bytes);
    },
    async get(key, range) {
      checkOpen();
      checkName(key);
      return getFile(place, key, range);
    },
    async *list(prefix) {
      checkOpen();
      checkPrefix(prefix);
      for await (const object of listFiles(place, prefix)) if (!isTemporaryName(object.key)) yield object;
    },
    async delete(key) {
      checkOpen();
      checkName(key);
      await removeFile(place, key);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await place.session.close();
    },
  };
};

export interface Place {
  readonly session: SftpSession;
  readonly location: string;
  readonly root: string;
}

const checkName = (key: string): void => {
  checkKey(key);
  if (isTemporaryName(key))
    throw new HoldfastError('PATH_UNSAFE', `${key} is the name of an unfinished file, not of an object`, {
      hint: "choose a name that does not end in '-tmp-' and digits",
    });
};

/** The protocol cannot sync a folder: how soon the rename outlives a power cut is up to the server's file system. */
const putFile = async (place: Place, key: string, bytes: Uint8Array): Promise<void> => {
  const path = posix.join(place.root, key);
  const temporary = temporaryName(path);
  try {
    const file = await openNew(place, temporary);
    try {
      await writeFully(place.session, file, bytes);
      await syncFile(place.session, file);
    } finally {
      await closeFile(place.session, file);
    }
    await rename(place, temporary, path);
  } catch (cause) {
    const full = hasStatus(cause, sftpStatus.failure) && (await lacksRoom(place, bytes.length));
    await removeFile(place, temporary.slice(posix.join(place.root, '/').length)).catch(() => {}); // readers skip its name anyway
    throw full ? serverFull(cause, place.location, key) : sftpError(cause, 'write', place.location, key);
  }
};

const openNew = async ({ session }: Place, path: string): Promise<Buffer> => {
  try {
    return await openFile(session, path, 'wx');
  } catch (error) {
    if (!hasStatus(error, sftpStatus.noSuchFile)) throw error;
    await makeFolder(session, posix.dirname(path));
    return openFile(session, path, 'wx');
  }
};

const makeFolder = async (session: SftpSession, path: string): Promise<void> => {
  const make = () => session.request<void>((sftp, answer) => sftp.mkdir(path, { mode: 0o700 }, answer));
  try {
    await make();
  } catch (error) {
    if (hasStatus(error, sftpStatus.failure)) return; // it is there: somebody was quicker
    const parent = posix.dirname(path);
    if (!hasStatus(error, sftpStatus.noSuchFile) || parent === path) throw error;
    await makeFolder(session, parent);
    await make().catch((again: unknown) => {
      if (!hasStatus(again, sftpStatus.failure)) throw again;
    });
  }
};

/** Replaces the target where the server can (OpenSSH); others refuse to rename onto a file, so that is removed first. */
const rename = async ({ session }: Place, from: string, to: string): Promise<void> => {
  try {
    await session.request<void>((sftp, answer) => sftp.ext_openssh_rename(from, to, answer));
  } catch (error) {
    if (!isMissingExtension(error)) throw error;
    const plainly = () => session.request<void>((sftp, answer) => sftp.rename(from, to, answer));
    await plainly().catch(async () => {
      await session.request<void>((sftp, answer) => sftp.unlink(to, answer)).catch(() => {}); // plainly() tells
      await plainly();
    });
  }
};

const isMissingExtension = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('Server does not support');

const getFile = async (place: Place, key: string, range: ByteRange | undefined): Promise<Uint8Array> => {
  const { session, location, root } = place;
  try {
    const file = await openFile(session, posix.join(root, key), 'r');
    try {
      const wanted = range ?? { offset: 0, length: await sizeOf(session, file) };
      const bytes = await readFully(session, file, wanted);
      if (bytes === undefined || wanted.length === 0)
        checkRange(location, key, wanted, await sizeOf(session, file));
      if (bytes === undefined) throw new Error('it became shorter while it was read');
      return bytes;
    } finally {
      // Nothing depends on it, so nobody waits for it; a connection that broke has closed it.
      closeFile(session, file).catch(() => {});
    }
  } catch (cause) {
    if (hasStatus(cause, sftpStatus.noSuchFile)) throw missingObject(location, key, cause);
    throw sftpError(cause, 'read', location, key);
  }
};

const removeFile = async (place: Place, key: string): Promise<void> => {
  const path = posix.join(place.root, key);
  try {
    await place.session.request<void>((sftp, answer) => sftp.unlink(path, answer));
  } catch (cause) {
    if (!hasStatus(cause, sftpStatus.noSuchFile)) throw sftpError(cause, 'delete', place.location, key);
  }
};

/** A server says no more than "failure" when its disk is full; OpenSSH can be asked how much is free. */
const lacksRoom = async ({ session, root }: Place, sizeBytes: number): Promise<boolean> => {
  try {
    const free = await session.request<{ f_bavail: number; f_frsize: number }>((sftp, answer) =>
      sftp.ext_openssh_statvfs(root, answer),
    );
    return Number(free.f_bavail) * Number(free.f_frsize) < sizeBytes + 1024 * 1024;
  } catch {
    return false; // not known
  }
};
