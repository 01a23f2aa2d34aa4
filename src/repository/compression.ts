// zstd as the engine uses it: whole blobs, sizes known beforehand, one call.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ZstdCompress, ZstdDecompress } from 'minizlib';

/** zstd's own bound for the size of a compressed block of that many bytes. */
const bound = (size: number): number =>
  size + (size >>> 8) + (size < 131_072 ? (131_072 - size) >>> 11 : 0) + 64;

/** Up to this size level 1 compresses as well as 2 and 3 do, in two thirds of the time. */
const smallBytes = 16 * 1024;

/** Up to this size making a context of zstd costs more than it is worth: one is kept for each level, and one to decompress. */
const keptBytes = 64 * 1024;

/** One zstd frame with its content size. */
export const compress = (bytes: Uint8Array, level: number): Buffer => {
  if (bytes.length <= keptBytes)
    return compressorAt(bytes.length <= smallBytes && level <= 3 ? 1 : level)(bytes);
  return zstdCompressSync(bytes, {
    chunkSize: bound(bytes.length),
    pledgedSrcSize: bytes.length,
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
};

/** The content of a frame whose plain size is known; throws when it is not a frame or its size differs. */
export const decompress = (frame: Uint8Array, plainLength: number): Buffer => {
  const room = plainLength + 64; // with room to spare one call does it: exactly full would need a second one to find the end
  const known = plainLength <= keptBytes ? takeDecompressor() : undefined;
  const plain = known ? known(frame) : zstdDecompressSync(frame, { chunkSize: room, maxOutputLength: room });
  if (plain.length !== plainLength) throw new Error(`holds ${plain.length} bytes instead of ${plainLength}`);
  decompressor ??= known;
  return plain;
};

/** The content of a frame of unknown size (indexes, snapshots, locks). */
export const decompressUnknown = (frame: Uint8Array): Buffer => zstdDecompressSync(frame);

type Codec = (bytes: Uint8Array) => Buffer;

const compressors = new Map<number, Codec>();

const compressorAt = (level: number): Codec => {
  const known = compressors.get(level);
  if (known) return known;
  // In a variable of its own, for minizlib passes on to Node more options than it declares.
  const options = {
    flush: constants.ZSTD_e_end,
    chunkSize: bound(keptBytes),
    params: { [constants.ZSTD_c_compressionLevel]: level },
  };
  const made = codecOf(new ZstdCompress(options));
  compressors.set(level, made);
  return made;
};

let decompressor: Codec | undefined;

/** It comes back only after success: after a failure it may be in the middle of a frame. */
const takeDecompressor = (): Codec => {
  const options = {
    flush: constants.ZSTD_e_continue,
    chunkSize: keptBytes + 64,
    maxOutputLength: keptBytes + 64,
  };
  const taken = decompressor ?? codecOf(new ZstdDecompress(options));
  decompressor = undefined;
  return taken;
};

/** What each write gives, synchronously. */
const codecOf = (stream: ZstdCompress | ZstdDecompress): Codec => {
  let parts: Buffer[] = [];
  let failure: unknown;
  stream.on('data', (part: Buffer) => void parts.push(part));
  stream.on('error', (error) => {
    failure = error;
  });
  return (bytes) => {
    parts = [];
    stream.write(bytes);
    if (failure) throw failure;
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  };
};
