// Objects that come in pieces: a file under a temporary name, which gets its own name when it is whole.
import { lstatSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { syncFile, syncFolder } from '#lib/sync.ts';
import { notKept } from '../not-kept.ts';
import type { LargeObject } from '../store.ts';
import { temporaryName, unfinishedName } from '../temporary-name.ts';
import { folderError } from './folder-error.ts';
import { rememberMount } from './mount.ts';
import { makeFolders, objectMode, syncNames } from './write-object.ts';

/** What waits in memory, not what is written at once. */
const pieceBytes = 4 * 1024 * 1024;

export const beginLarge = async (folder: string, key: string): Promise<LargeObject> => {
  const path = join(folder, key);
  const temporary = temporaryName(path);
  try {
    const file = await openNew(folder, temporary);
    const token = `${placeOf(folder)}/${basename(temporary)}`;
    return largeObject({ folder, key, path, temporary, token, file });
  } catch (cause) {
    throw folderError(cause, 'write', folder, key);
  }
};

/** The temporary name is there until the moment the object has its own; unless the disk that has it is not mounted now. */
export const wasCommitted = async (folder: string, key: string, token: string): Promise<boolean> => {
  try {
    if (isThere(unfinishedPath(folder, key, token))) return false;
    const [, place] = parseToken(token);
    if (place !== undefined && place !== placeOf(folder) && !isThere(join(folder, key)))
      throw notThatFolder(folder, key);
  } catch (cause) {
    throw cause instanceof HoldfastError ? cause : folderError(cause, 'look at', folder, key);
  }
  await syncNames(folder, [key]);
  return true;
};

const isThere = (path: string): boolean => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    if (systemCode(cause) === 'ENOTDIR') return false;
    throw cause;
  }
};

/** Tells the folder from that on which its disk is mounted. */
const placeOf = (folder: string): string | undefined =>
  statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino.toString();

const notThatFolder = (folder: string, key: string): HoldfastError =>
  new HoldfastError(
    'STORE_UNREACHABLE',
    `${folder} is not the folder in which ${key} was being written when a run was broken off`,
    {
      hint: 'mount the disk on which it was; if that is gone for good, name another folder: what was being written is then written again',
    },
  );

export const abandonLarge = async (folder: string, key: string, token: string): Promise<void> => {
  await unlink(unfinishedPath(folder, key, token)).catch((cause: unknown) => {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? ''))
      throw folderError(cause, 'delete', folder, token);
  });
};

const unfinishedPath = (folder: string, key: string, token: string): string =>
  join(folder, dirname(key), unfinishedName(parseToken(token)[0]));

/** The temporary name, and which folder it was in; those of an earlier version are the name alone. */
const parseToken = (token: string): readonly [name: string, place?: string] => {
  const [, place, name] = /^(\d+)\/(.*)$/s.exec(token) ?? [];
  return place === undefined || name === undefined ? [token] : [name, place];
};

interface Unfinished {
  readonly folder: string;
  readonly key: string;
  readonly path: string;
  readonly temporary: string;
  readonly token: string;
  readonly file: FileHandle;
}

const largeObject = ({ folder, key, path, temporary, token, file }: Unfinished): LargeObject => {
  const explained = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      throw folderError(cause, 'write', folder, key);
    }
  };
  // What a commit has done is not done again by another: it may have been broken off after each step.
  let step: 'written' | 'synced' | 'named' = 'written';
  let unsynced: HoldfastError | undefined;
  return {
    token,
    pieceBytes: () => pieceBytes,
    putPiece: ({ offset }, bytes) => explained(() => writeAt(file, bytes, offset)),
    async commit() {
      if (unsynced) throw unsynced;
      if (step === 'written') {
        await syncFile(file).catch((cause: unknown) => {
          unsynced = notKept(folderError(cause, 'write', folder, key));
          throw unsynced;
        });
        step = 'synced';
      }
      await explained(async () => {
        await file.close();
        if (step === 'synced') await rename(temporary, path);
        step = 'named';
        await syncFolder(dirname(path));
        rememberMount(folder);
      });
    },
    async abort() {
      await file.close().catch(() => {}); // it may be closed already
      await unlink(temporary).catch(() => {}); // readers skip its name anyway
    },
  };
};

const openNew = async (folder: string, path: string): Promise<FileHandle> => {
  try {
    return await open(path, 'wx', objectMode);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    await makeFolders(folder, dirname(path));
    return await open(path, 'wx', objectMode);
  }
};

const writeAt = async (file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> => {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
};
