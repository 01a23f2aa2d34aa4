// What the chunkers' tests share: data worth cutting, ways of writing it, and the cuts as plain JavaScript finds them.
import { createHash } from 'node:crypto';
import type { Chunker } from './chunker.ts';
import { gearTable } from './gear.ts';

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Bytes without any pattern. */
export const randomData = (sizeBytes: number, seed: number): Buffer =>
  createHash('shake256', { outputLength: sizeBytes + 1 })
    .update(`seed ${seed}`)
    .digest()
    .subarray(0, sizeBytes);

/** Rows as a dump of a table has them. */
export const sqlData = (sizeBytes: number, seed: number): Buffer => {
  const random = seededRandom(seed);
  const rows: string[] = [];
  for (let id = 0, length = 0; length < sizeBytes; id += 1) {
    const amount = Math.floor(random() * 1e6);
    const row = `${id}\tcustomer ${amount % 977}\t2026-11-${(amount % 28) + 1}\t${amount / 100}\tpaid by card, sent by post\n`;
    rows.push(row);
    length += row.length;
  }
  return Buffer.from(rows.join('')).subarray(0, sizeBytes);
};

/** The lengths of the chunks of one stream, written in pieces of at most so many bytes. */
export const chunkLengths = (chunker: Chunker, data: Uint8Array, pieceBytes: () => number): number[] => {
  const lengths: number[] = [];
  let at = 0;
  const drain = (): void => {
    for (let chunk = chunker.next(); chunk; chunk = chunker.next()) {
      if (Buffer.compare(chunk, data.subarray(at, at + chunk.length)) !== 0)
        throw new Error(`the chunk at ${at} is not what was written there`);
      lengths.push(chunk.length);
      at += chunk.length;
    }
  };
  for (let written = 0; written < data.length; ) {
    const piece = data.subarray(written, written + pieceBytes());
    for (let taken = 0; taken < piece.length; ) {
      taken += chunker.write(piece.subarray(taken));
      drain();
    }
    written += piece.length;
  }
  chunker.end();
  drain();
  return lengths;
};

/** The lengths of restic's chunks, step by step as its chunker takes them, with digests in a high and a low half. */
export const rabinOracle = (data: Uint8Array, polynomial: bigint): number[] => {
  const windowBytes = 64;
  const minBytes = 512 * 1024;
  const maxBytes = 8 * 1024 * 1024;
  const mod = halves((byte) => modulo(byte << 53n, polynomial) | (byte << 53n));
  const out = halves((byte) => modulo(byte << 504n, polynomial));
  const window = new Uint8Array(windowBytes);
  let high = 0;
  let low = 0;
  let slot = 0;
  const slide = (byte: number): void => {
    const leaving = window[slot] as number;
    window[slot] = byte;
    slot = (slot + 1) % windowBytes;
    high ^= out.high[leaving] as number;
    low ^= out.low[leaving] as number;
    const index = high >>> 13;
    high = ((high << 8) | (low >>> 24)) ^ (mod.high[index] as number);
    low = ((low << 8) | byte) ^ (mod.low[index] as number);
  };
  const lengths: number[] = [];
  for (let start = 0; start < data.length; start += lengths.at(-1) as number) {
    window.fill(0);
    high = 0;
    low = 0;
    slot = 0;
    slide(1);
    let length = Math.min(minBytes - windowBytes, data.length - start);
    while (start + length < data.length) {
      slide(data[start + length] as number);
      length += 1;
      if (((low & 0xfffff) === 0 && length >= minBytes) || length >= maxBytes) break;
    }
    lengths.push(length);
  }
  return lengths;
};

/** The lengths of the gear chunks: the hash runs over the whole stream, since it forgets what is 64 bytes behind. */
export const gearOracle = (data: Uint8Array, tableSecret: Uint8Array, averageBytes: number): number[] => {
  const horizon = averageBytes / 2;
  const lows = lowPositions(data, tableSecret, 32 - (Math.log2(averageBytes) - 5));
  const isLowest = (at: number, start: number): boolean => {
    const { position, hash } = lows[at] as Low;
    for (let before = at - 1; before >= 0; before -= 1) {
      const other = lows[before] as Low;
      if (other.position <= start || other.position < position - horizon) break;
      if (other.hash <= hash) return false;
    }
    for (let behind = at + 1; behind < lows.length; behind += 1) {
      const other = lows[behind] as Low;
      if (other.position > position + horizon) break;
      if (other.hash < hash) return false;
    }
    return true;
  };
  const lengths: number[] = [];
  let at = 0;
  for (let start = 0, cut = 0; start < data.length; start = cut) {
    cut = Math.min(data.length, start + averageBytes * 4);
    for (; at < lows.length; at += 1) {
      const { position } = lows[at] as Low;
      if (position > cut || position + horizon > data.length) break;
      if (position > start + horizon && isLowest(at, start)) {
        cut = position;
        break;
      }
    }
    lengths.push(cut - start);
  }
  return lengths;
};

interface Low {
  readonly position: number;
  readonly hash: bigint;
}

/** Those whose hash has no more than so many bits in its upper half. */
const lowPositions = (data: Uint8Array, tableSecret: Uint8Array, bits: number): Low[] => {
  const table = new DataView(gearTable(tableSecret).buffer);
  const lows: Low[] = [];
  let high = 0;
  let low = 0;
  for (let position = 0; position < data.length; position += 1) {
    const entry = (data[position] as number) * 8;
    const lowSum = ((low << 1) >>> 0) + table.getUint32(entry, true);
    high = ((high << 1) | (low >>> 31)) + table.getUint32(entry + 4, true) + (lowSum > 0xffffffff ? 1 : 0);
    high >>>= 0;
    low = lowSum >>> 0;
    if (high < 2 ** bits) lows.push({ position: position + 1, hash: (BigInt(high) << 32n) | BigInt(low) });
  }
  return lows;
};
/** A table of 256 numbers of 64 bits as two of 32. */
const halves = (entry: (byte: bigint) => bigint): { readonly high: Int32Array; readonly low: Int32Array } => {
  const values = Array.from({ length: 256 }, (_, byte) => entry(BigInt(byte)));
  return {
    high: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value >> 32n))),
    low: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value))),
  };
};

const modulo = (value: bigint, polynomial: bigint): bigint => {
  let rest = value;
  for (let bit = 600n; bit >= 53n; bit -= 1n) if ((rest >> bit) & 1n) rest ^= polynomial << (bit - 53n);
  return rest;
};
