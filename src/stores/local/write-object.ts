// All or nothing: an object gets its name only when its bytes are on the disk.
import { closeSync, openSync, renameSync, unlinkSync, writevSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '#lib/errors.ts';
import { makeFolder } from '#lib/make-folder.ts';
import { syncFile, syncFileSync, syncFolder, syncFolderSync } from '#lib/sync.ts';
import { temporaryName } from '../temporary-name.ts';
import { folderError } from './folder-error.ts';
import { refuseIfUnmounted, rememberMount } from './mount.ts';

/** Writes an object; when this resolves it outlives a power cut. */
export const writeObject = async (folder: string, key: string, bytes: Uint8Array): Promise<void> => {
  const path = join(folder, key);
  const temporary = temporaryName(path);
  try {
    await writeDurably(temporary, bytes).catch(async (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
      await makeFolders(folder, dirname(path));
      await writeDurably(temporary, bytes);
    });
    await giveName(temporary, path);
    rememberMount(folder);
  } catch (cause) {
    await unlink(temporary).catch(() => {}); // it may never have been made; readers skip its name anyway
    throw folderError(cause, 'write', folder, key);
  }
};

/** The same for worker threads, which may block, and which have an object in parts. */
export const putLocalFileSync = (folder: string, key: string, parts: readonly Uint8Array[]): void => {
  const path = join(folder, key);
  const temporary = temporaryName(path);
  try {
    try {
      writeDurablySync(temporary, parts);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      makeFoldersSync(folder, dirname(path));
      writeDurablySync(temporary, parts);
    }
    renameSync(temporary, path);
    syncFolderSync(dirname(path));
    rememberMount(folder);
  } catch (cause) {
    try {
      unlinkSync(temporary);
    } catch {} // it may never have been made; readers skip its name anyway
    throw folderError(cause, 'write', folder, key);
  }
};

/** The file takes the place of what has that name, for good. */
const giveName = async (temporary: string, path: string): Promise<void> => {
  await rename(temporary, path);
  await syncFolder(dirname(path));
};

/** Every folder on the way to these objects is synced: who gave them their names may have died before, or made a folder and died. */
export const syncNames = async (folder: string, keys: readonly string[]): Promise<void> => {
  const folders = new Set<string>();
  for (const key of keys)
    for (let path = dirname(key); !folders.has(path); path = dirname(path)) folders.add(path);
  for (const path of folders)
    await syncFolder(join(folder, path)).catch((cause: unknown) => {
      if (systemCode(cause) !== 'ENOENT') throw folderError(cause, 'sync', folder, path); // what has gone has no name
    });
};

// The mode applies to whoever opens the file later: objects never change. Windows gives the name of a read-only file to no other.
export const objectMode = process.platform === 'win32' ? 0o600 : 0o400;
const folderMode = 0o700;

const writeDurably = async (path: string, bytes: Uint8Array): Promise<void> => {
  await using file = await open(path, 'wx', objectMode);
  await file.writeFile(bytes);
  await syncFile(file);
};

const writeDurablySync = (path: string, parts: readonly Uint8Array[]): void => {
  const file = openSync(path, 'wx', objectMode);
  try {
    writeAllSync(file, parts);
    syncFileSync(file);
  } finally {
    closeSync(file);
  }
};

const writeAllSync = (file: number, parts: readonly Uint8Array[]): void => {
  let rest = parts.filter((part) => part.length > 0);
  while (rest.length > 0) {
    let written = writevSync(file, rest);
    const unwritten: Uint8Array[] = [];
    for (const part of rest) {
      if (written < part.length) unwritten.push(part.subarray(written));
      written = Math.max(0, written - part.length);
    }
    rest = unwritten;
  }
};

/** A new folder is durable only when its parent is synced, so each one made here is. */
export const makeFolders = async (folder: string, path: string): Promise<void> => {
  refuseIfUnmounted(folder);
  for (const made of makeFolder(path, folderMode)) await syncFolder(dirname(made));
};

const makeFoldersSync = (folder: string, path: string): void => {
  refuseIfUnmounted(folder);
  for (const made of makeFolder(path, folderMode)) syncFolderSync(dirname(made));
};
