// zstd as the engine uses it: whole blobs, sizes known beforehand, one call.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** zstd's own bound for the size of a compressed block of that many bytes. */
const bound = (size: number): number =>
  size + (size >>> 8) + (size < 131_072 ? (131_072 - size) >>> 11 : 0) + 64;

/** Up to this size level 1 compresses as well as 2 and 3 do, in two thirds of the time. */
const smallBytes = 16 * 1024;

/** One zstd frame with its content size. */
export const compress = (bytes: Uint8Array, level: number): Buffer =>
  zstdCompressSync(bytes, {
    chunkSize: Math.max(64, bound(bytes.length)),
    pledgedSrcSize: bytes.length,
    params: { [constants.ZSTD_c_compressionLevel]: bytes.length <= smallBytes && level <= 3 ? 1 : level },
  });

/** The content of a frame whose plain size is known; throws when it is not a frame or its size differs. */
export const decompress = (frame: Uint8Array, plainLength: number): Buffer => {
  const room = plainLength + 64; // with room to spare one call does it: exactly full would need a second one to find the end
  const plain = zstdDecompressSync(frame, { chunkSize: room, maxOutputLength: room });
  if (plain.length !== plainLength) throw new Error(`holds ${plain.length} bytes instead of ${plainLength}`);
  return plain;
};

/** The content of a frame of unknown size (indexes, snapshots, locks). */
export const decompressUnknown = (frame: Uint8Array): Buffer => zstdDecompressSync(frame);
