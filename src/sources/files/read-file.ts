// A file's bytes, read in large blocks with blocking calls: in Node that is eight times cheaper than promises.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { fsPath } from '#lib/file-name.ts';
import { readingHint, reasonOf } from './system-error.ts';

const blockBytes = 1 << 20;
/** Not through a symlink, and without waiting for the writer of a fifo, should one have taken the file's place. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Blocks that no reading uses now; each reading borrows one. */
const spare: Buffer[] = [];

/**
 * The bytes that are there when they are read, however many: `size` is only what `lstat` promised. The chunk is used again
 * after the next pull. ITEM_UNREADABLE when the file cannot be opened or read, ITEM_CHANGED when it is no longer a file.
 */
export function* readFile(path: string, size: number, signal: AbortSignal): Generator<Uint8Array> {
  const file = attempt(path, () => openSync(fsPath(path), openFlags));
  const block = spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
  try {
    let total = 0;
    for (;;) {
      throwIfCancelled(signal);
      // One byte more than expected tells the end of a small file without a second call.
      const wanted = Math.min(blockBytes, Math.max(size - total + 1, 4096));
      const length = attempt(path, () => readSync(file, block, 0, wanted, null));
      if (total === 0 && length !== Math.min(size, wanted)) checkIsFile(path, file);
      if (length === 0) return;
      total += length;
      yield block.subarray(0, length);
      if (length < wanted && total === size) return;
    }
  } finally {
    spare.push(block);
    attempt(path, () => closeSync(file)); // what FUSE passes on may fail even here
  }
}

const attempt = <Result>(path: string, call: () => Result): Result => {
  try {
    return call();
  } catch (cause) {
    throw new HoldfastError('ITEM_UNREADABLE', `cannot read ${path}: ${reasonOf(cause)}`, {
      hint: systemCode(cause) === 'ENOENT' ? 'it was removed while the backup ran' : readingHint(cause),
      cause,
    });
  }
};

const checkIsFile = (path: string, file: number): void => {
  if (!fstatSync(file).isFile())
    throw new HoldfastError('ITEM_CHANGED', `${path} became something other than a file while it was read`, {
      hint: 'the next backup will find it as it is then',
    });
};
