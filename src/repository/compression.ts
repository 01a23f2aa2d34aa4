// zstd as the engine uses it: whole blobs, sizes known beforehand, one call.
import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { keptContext, type ZstdContext } from './zstd-context.ts';

/** zstd's own bound for the size of a compressed block of that many bytes. */
const bound = (size: number): number =>
  size + (size >>> 8) + (size < 131_072 ? (131_072 - size) >>> 11 : 0) + 64;

/** Up to this size level 1 compresses as well as 2 and 3 do, in two thirds of the time. */
const smallBytes = 16 * 1024;
/** log2 of the entries of its table, which then fits into a core's nearest cache: a fifth less time for half a percent more bytes. */
const smallHashLog = 13;

/** Up to this size making a context of zstd costs more than it is worth: one is kept for each level, and one to decompress. */
const keptBytes = 64 * 1024;

/** An index is mostly ids and does not become four times smaller: unpacked into one piece, it need not be joined of many. */
const largestPiece = 64 * 1024 * 1024;

/** One zstd frame with its content size, valid until the next call. */
export const compress = (bytes: Uint8Array, level: number): Buffer => {
  const isSmall = bytes.length <= smallBytes && level <= 3;
  const kept = bytes.length <= keptBytes ? compressorAt(isSmall ? 'small' : level) : undefined;
  if (kept) return kept(bytes);
  return zstdCompressSync(bytes, {
    chunkSize: bound(bytes.length),
    pledgedSrcSize: bytes.length,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
};

/** The content of a frame whose plain size is known, valid until the next call; throws when it is not a frame or its size differs. */
export const decompress = (frame: Uint8Array, plainLength: number): Buffer => {
  const room = plainLength + 64; // with room to spare one call does it: exactly full would need a second one to find the end
  const kept = plainLength <= keptBytes ? takeDecompressor() : undefined;
  const plain = kept ? kept(frame) : zstdDecompressSync(frame, { chunkSize: room, maxOutputLength: room });
  if (plain.length !== plainLength) throw new Error(`holds ${plain.length} bytes instead of ${plainLength}`);
  decompressor ??= kept;
  return plain;
};

/** The content of a frame of unknown size (indexes, snapshots, locks). */
export const decompressUnknown = (frame: Uint8Array): Buffer =>
  zstdDecompressSync(frame, { chunkSize: Math.min(largestPiece, 4 * frame.length + 1024) });

const compressors = new Map<number | 'small', ZstdContext | undefined>();

const compressorAt = (level: number | 'small'): ZstdContext | undefined => {
  if (!compressors.has(level)) compressors.set(level, makeCompressor(level));
  return compressors.get(level);
};

const makeCompressor = (level: number | 'small'): ZstdContext | undefined => {
  const { ZSTD_c_compressionLevel, ZSTD_c_hashLog, ZSTD_e_end } = constants;
  const params =
    level === 'small'
      ? { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_hashLog]: smallHashLog }
      : { [ZSTD_c_compressionLevel]: level };
  return keptContext(createZstdCompress({ params }), ZSTD_e_end, bound(keptBytes));
};

let decompressor: ZstdContext | undefined;

/** It comes back only after success: after a failure it may be in the middle of a frame. */
const takeDecompressor = (): ZstdContext | undefined => {
  const taken =
    decompressor ?? keptContext(createZstdDecompress(), constants.ZSTD_e_continue, keptBytes + 64);
  decompressor = undefined;
  return taken;
};
