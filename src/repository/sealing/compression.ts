// zstd as the engine uses it: whole blobs, sizes known beforehand, one call.
import { createHash, hash } from 'node:crypto';
import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { systemCode } from '#lib/errors.ts';
import { keptContext, type ZstdContext } from './zstd-context.ts';

/** Up to this size level 1 compresses as well as 2 and 3 do, in two thirds of the time. */
const smallBytes = 16 * 1024;
/** log2 of the entries of its table, which then fits into a core's nearest cache: a fifth less time for half a percent more bytes. */
const smallHashLog = 13;

/** An index is mostly ids and does not become four times smaller: unpacked into one piece, it need not be joined of many. */
const largestPiece = 64 * 1024 * 1024;

/** One zstd frame with its content size, at the beginning of `output` if one is given, and else valid until the next call. */
export const compress = (bytes: Uint8Array, level: number, output?: Uint8Array): Uint8Array => {
  const kept = compressorAt(bytes.length <= smallBytes && level <= 3 ? 'small' : level);
  const needed = longestFrame(bytes.length);
  const room = output ?? frames.room(needed);
  if (kept) return room.subarray(0, kept.into(bytes, room));
  const frame = zstdCompressSync(bytes, {
    chunkSize: needed,
    pledgedSrcSize: bytes.length,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
  room.set(frame);
  return room.subarray(0, frame.length);
};

/** zstd's own bound for a frame of so much content, and one byte more, so that the output is never exactly full. */
export const longestFrame = (size: number): number =>
  size + (size >>> 8) + (size < 131_072 ? (131_072 - size) >>> 11 : 0) + 65;

/** One frame of content that is not in memory as a whole: `take` is given what is ready of it, valid until it returns. */
export const compressPieces = (
  pieces: Iterable<Uint8Array>,
  { level, plainLength }: { readonly level: number; readonly plainLength: number },
  take: (frame: Uint8Array) => void,
): void => {
  const stream = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: level },
    pledgedSrcSize: plainLength,
  });
  const context = keptContext(stream);
  if (context) context.throughout(pieces, contents.room(pieceBytes), take);
  else take(compress(gathered(pieces), level));
  stream.destroy();
};

/** So much room decompression needs beyond the content: with an output that is exactly full it would not know that it is at the end. */
export const spareBytes = 64;

/**
 * The content of a frame whose plain size is known, at the beginning of `output` if one is given, and else valid until the next
 * call; throws when it is not a frame or its size differs.
 */
export const decompress = (frame: Uint8Array, plainLength: number, output?: Uint8Array): Uint8Array => {
  const room = (output ?? contents.room(plainLength + spareBytes)).subarray(0, plainLength + spareBytes);
  const kept = takeDecompressor();
  const length = kept ? kept.into(frame, room) : decompressInto(frame, room);
  if (length !== plainLength) throw new Error(`holds ${length} bytes instead of ${plainLength}`);
  decompressor = kept;
  return room.subarray(0, length);
};

/** The SHA-256 of that content; neither it nor the frame need be in memory as a whole. Throws as `decompress` does. */
export const hashDecompressed = (frame: Iterable<Uint8Array>, plainLength: number): string => {
  const kept = takeDecompressor();
  if (!kept) return hash('sha256', decompress(gathered(frame), plainLength), 'hex');
  const content = createHash('sha256');
  let total = 0;
  kept.throughout(frame, contents.room(pieceBytes), (bytes) => {
    content.update(bytes);
    total += bytes.length;
  });
  if (total !== plainLength) throw new Error(`holds ${total} bytes instead of ${plainLength}`);
  decompressor = kept;
  return content.digest('hex');
};

/** Pieces that are valid until the next, as one. */
const gathered = (pieces: Iterable<Uint8Array>): Uint8Array =>
  Buffer.concat(Array.from(pieces, (piece) => piece.slice()));

const decompressInto = (frame: Uint8Array, output: Uint8Array): number => {
  const plain = zstdDecompressSync(frame, { chunkSize: output.length, maxOutputLength: output.length });
  output.set(plain);
  return plain.length;
};

/** The content of a frame of unknown size (indexes, snapshots, locks); throws when it is more than any writer packs so small. */
export const decompressUnknown = (frame: Uint8Array): Buffer => {
  const maxOutputLength = mostJsonBytes(frame.length);
  try {
    return zstdDecompressSync(frame, {
      chunkSize: Math.min(largestPiece, 4 * frame.length + 1024),
      maxOutputLength,
    });
  } catch (cause) {
    if (systemCode(cause) !== 'ERR_BUFFER_TOO_LARGE') throw cause;
    throw new Error(
      `its ${frame.length} bytes become more than ${maxOutputLength}, which those of no backup do`,
      { cause },
    );
  }
};

/**
 * So much JSON may so many bytes become. An index is mostly ids, and becomes five times as large; a snapshot that names a million paths,
 * some ten times.
 */
const mostJsonBytes = (packed: number): number => 32 * 1024 * 1024 + 64 * packed;

/** Gives back, as `discard` does, the memory of a large frame or of large content; that of smaller ones may be used again. */
export const discardLarge = (bytes: Uint8Array): void => {
  if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength > mostKeptBytes)
    bytes.buffer.transfer(0);
};

/** Memory that is used again, up to what the largest blobs of files take. */
class Scratch {
  #kept = new Uint8Array(0);

  room(bytes: number): Uint8Array {
    if (bytes > mostKeptBytes) return new Uint8Array(bytes);
    if (bytes > this.#kept.length) this.#kept = new Uint8Array(Math.min(mostKeptBytes, 2 * bytes));
    return this.#kept;
  }
}

/** As much as the largest blobs of files. What is larger is best not in memory as a whole. */
export const mostKeptBytes = 9 * 1024 * 1024;
const pieceBytes = 1024 * 1024;
const frames = new Scratch();
const contents = new Scratch();

const compressors = new Map<number | 'small', ZstdContext | undefined>();

const compressorAt = (level: number | 'small'): ZstdContext | undefined => {
  if (!compressors.has(level)) compressors.set(level, makeCompressor(level));
  return compressors.get(level);
};

const makeCompressor = (level: number | 'small'): ZstdContext | undefined => {
  const { ZSTD_c_compressionLevel, ZSTD_c_hashLog } = constants;
  const params =
    level === 'small'
      ? { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_hashLog]: smallHashLog }
      : { [ZSTD_c_compressionLevel]: level };
  return keptContext(createZstdCompress({ params }));
};

let decompressor: ZstdContext | undefined;

/** It comes back only after success: after a failure it may be in the middle of a frame. */
const takeDecompressor = (): ZstdContext | undefined => {
  const taken = decompressor ?? keptContext(createZstdDecompress());
  decompressor = undefined;
  return taken;
};
