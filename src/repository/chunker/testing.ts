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
  createHash('shake256', { outputLength: sizeBytes }).update(`seed ${seed}`).digest();

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

interface Oracle {
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Whether the chunk that began `length` bytes before `position` may end there. */
  isCut(position: number, length: number): boolean;
}

const oracleLengths = (dataBytes: number, { minBytes, maxBytes, isCut }: Oracle): number[] => {
  const lengths: number[] = [];
  for (let start = 0; start < dataBytes; ) {
    let length = Math.min(minBytes, dataBytes - start);
    while (length < maxBytes && start + length < dataBytes && !isCut(start + length, length)) length += 1;
    lengths.push(length);
    start += length;
  }
  return lengths;
};
