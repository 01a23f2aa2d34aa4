// A file's bytes onto disk. Blocks of zeros in large files become holes, so that a sparse file stays one.
import { ftruncateSync, writeSync } from 'node:fs';
import { bufferOf } from '#lib/buffer-of.ts';
import type { Content } from '../source.ts';

/** The unit of holes: file systems keep none smaller. */
const blockBytes = 4096;
/** Below this a file is written as it is: a hole would save next to nothing. */
const sparseFromBytes = 64 * 1024;
const zeros = Buffer.alloc(blockBytes);

interface Options {
  readonly sparse: boolean;
  /** Expected bytes, if known; decides whether holes are worth looking for. */
  readonly size: number;
  /** Called between chunks; may throw, or give others their turn. */
  readonly between: () => Promise<void> | undefined;
}

/** Writes all of it into an empty file; gives the bytes written. */
export const writeContent = async (
  file: number,
  content: Content,
  { sparse, size, between }: Options,
): Promise<number> => {
  const write = sparse && size >= sparseFromBytes ? writeSparse : writeAll;
  let total = 0;
  let end = 0;
  if (Symbol.iterator in content)
    for (const chunk of content) {
      end = Math.max(end, write(file, bufferOf(chunk), total));
      total += chunk.length;
      await between();
    }
  else
    for await (const chunk of content) {
      end = Math.max(end, write(file, bufferOf(chunk), total));
      total += chunk.length;
      await between();
    }
  if (end < total) ftruncateSync(file, total);
  return total;
};

/** Gives the position after the last byte written. */
const writeAll = (file: number, bytes: Buffer, position: number): number => {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  return position + bytes.length;
};

/** Leaves out every block, aligned in the file, that is all zero. */
const writeSparse = (file: number, bytes: Buffer, position: number): number => {
  let end = 0;
  let from = 0;
  const flush = (to: number): void => {
    if (to > from) end = writeAll(file, bytes.subarray(from, to), position + from);
  };
  const first = (blockBytes - (position % blockBytes)) % blockBytes;
  for (let at = first; at + blockBytes <= bytes.length; at += blockBytes)
    if (isZeroBlock(bytes, at)) {
      flush(at);
      from = at + blockBytes;
    }
  flush(bytes.length);
  return end;
};

const isZeroBlock = (bytes: Buffer, at: number): boolean =>
  bytes[at] === 0 &&
  bytes[at + blockBytes - 1] === 0 &&
  bytes.compare(zeros, 0, blockBytes, at, at + blockBytes) === 0;
