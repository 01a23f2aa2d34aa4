// Reading whole objects and ranges of them, never short.
import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { withoutWaiting } from '#lib/without-waiting.ts';
import { mostBytesOf } from '../answer-size.ts';
import { checkRange, missingObject } from '../guard.ts';
import type { ByteRange } from '../store.ts';
import { folderError } from './folder-error.ts';

/** Up to here a blocking read costs less than the promises of an asynchronous one. */
const smallBytes = 256 * 1024;

/** The object, or exactly the range of it. */
export const readObject = async (folder: string, key: string, range?: ByteRange): Promise<Uint8Array> => {
  try {
    return range !== undefined && range.length <= smallBytes
      ? readSmall(folder, key, range)
      : await readLarge(folder, key, range);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ENXIO'].includes(systemCode(cause) ?? ''))
      throw missingObject(folder, key, cause);
    throw folderError(cause, 'read', folder, key);
  }
};

/** What is no file is no object, as in listings. */
const checkFile = (folder: string, key: string, found: Stats): void => {
  if (!found.isFile()) throw missingObject(folder, key);
};

const readSmall = (folder: string, key: string, range: ByteRange): Uint8Array => {
  const file = openSync(join(folder, key), withoutWaiting);
  try {
    checkFile(folder, key, fstatSync(file));
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, range.length));
    const length = range.offset < 0 ? 0 : fillSync(file, bytes, range.offset);
    if (length === 0) checkRange(folder, key, range, fstatSync(file).size);
    if (length < bytes.length) checkRange(folder, key, range, range.offset + length);
    return bytes;
  } finally {
    closeSync(file);
  }
};

/** Gives how much is there. One call gives less before a sector that cannot be read, and on some network file systems. */
const fillSync = (file: number, bytes: Buffer, offset: number): number => {
  for (let filled = 0; ; ) {
    const length = readSync(file, bytes, filled, bytes.length - filled, offset + filled);
    filled += length;
    if (length === 0 || filled === bytes.length) return filled;
  }
};

const readLarge = async (folder: string, key: string, range: ByteRange | undefined): Promise<Uint8Array> => {
  await using file = await open(join(folder, key), withoutWaiting);
  const found = await file.stat();
  checkFile(folder, key, found);
  const { size } = found;
  if (range !== undefined) checkRange(folder, key, range, size);
  else if (size > mostBytesOf(key)) throw new Error(`it has ${size} bytes, and no such object has so many`); // before there is room for it
  const { offset, length } = range ?? { offset: 0, length: size };
  const bytes = Buffer.allocUnsafeSlow(length);
  await fill(file, bytes, offset, () => checkRange(folder, key, { offset, length }, 0));
  return bytes;
};

const fill = async (file: FileHandle, bytes: Buffer, offset: number, onEnd: () => void): Promise<void> => {
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled);
    if (bytesRead === 0) return onEnd();
    filled += bytesRead;
  }
};
