// Small chunks for rows that change: a gear hash whose table comes from a secret, since the lengths of stored chunks can be
// seen by whoever sees the store and would tell of known content if everybody cut alike.
import { hkdfSync } from 'node:crypto';
import { instantiate } from '#lib/wasm/instance.ts';
import { type Chunker, createChunker } from './chunker.ts';

const gearAverages = { minBytes: 8 * 1024, maxBytes: 256 * 1024 } as const;

/** A chunker whose chunks have averageBytes/2 to averageBytes·4 bytes; the average is a power of two from 8 KiB to 256 KiB. */
export const gearChunker = (tableSecret: Uint8Array, averageBytes: number): Chunker => {
  const averageBits = Math.log2(averageBytes);
  if (
    !Number.isInteger(averageBits) ||
    averageBytes < gearAverages.minBytes ||
    averageBytes > gearAverages.maxBytes
  )
    throw new RangeError(`an average of ${averageBytes} bytes is not a power of two from 8 KiB to 256 KiB`);
  const instance = instantiate(Math.max(leastDataBytes, 10 * averageBytes));
  const { gearStart, gearReset, gearCut } = instance.functions;
  instance.memory.set(gearTable(tableSecret), 0);
  gearStart(averageBits);
  return createChunker(instance.memory, { reset: gearReset, cut: gearCut });
};

/** Below this the input would be moved about too often; above it a dozen open tables would need too much memory. */
const leastDataBytes = 1024 * 1024;

/** 256 little-endian u64 from the 32-byte secret, by HKDF-SHA256. A different table means different cuts: this must never change. */
export const gearTable = (tableSecret: Uint8Array): Uint8Array => {
  if (tableSecret.length !== 32) throw new RangeError('the secret of a gear table has 32 bytes');
  return new Uint8Array(hkdfSync('sha256', tableSecret, '', 'holdfast gear table 1', 256 * 8));
};
