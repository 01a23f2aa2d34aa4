// The number of rows in a stream of bytes and a checksum that does not depend on their order: the sum of their hashes, so
// that a lost, a changed and a doubled row all show.
//
// The hash of a row of n bytes (its newline included): the bytes, filled up with zeros to a multiple of eight, are
// little-endian words w; with two lanes, A and B, in unsigned 64-bit arithmetic
//     A = 9e3779b97f4a7c15    B = d1b54a32d192ed03                              to begin with
//     A = rotl(A + w·c2b2ae3d27d4eb4f, 31)·9e3779b185ebca87                      for each word
//     B = rotl(B + w·9fb21c651e98df25, 29)·bf58476d1ce4e5b9
//     x ^= n, x ^= x >> 33, x *= ff51afd7ed558ccd, x ^= x >> 29, x *= c4ceb9fe1a85ec53, x ^= x >> 32   at the end, for both
// The checksum is the sum of all A and the sum of all B modulo 2^64, each as 16 hex digits. It guards against mistakes and
// damage; whoever can choose the rows can make it collide.
import { HoldfastError } from './errors.ts';
import type { RowFormat } from './row-format.ts';
import { headBytes, type Instance, instantiate } from './wasm/instance.ts';

export interface RowCount {
  readonly rows: number;
  readonly bytes: number;
  /** 32 hex digits. */
  readonly checksum: string;
}

export interface RowCounter {
  /** Takes the next bytes; rows may begin and end anywhere in them. */
  update(bytes: Uint8Array): void;
  /** The count of everything taken; the counter has then done its work. */
  finish(): RowCount;
}

/** A counter for one stream; the last line may lack its newline. It costs next to nothing to make: all counters of a thread share one instance. */
export const createRowCounter = (format: RowFormat): RowCounter => {
  shared ??= instantiate(stagingBytes);
  const { functions, memory } = shared;
  const count = format === 'lines' ? functions.lineRows : functions.bsonRows;
  functions.rowsStart();
  /** The counter's own state, lent to the instance for each call. */
  const state = memory.slice(0, stateBytes);
  const numbers = new BigUint64Array(state.buffer);
  /** Bytes at the end of an update that are not a whole word yet. */
  let carried = new Uint8Array(0);
  let total = 0;

  const take = (piece: Uint8Array): void => {
    const end = headBytes + carried.length + piece.length;
    memory.set(carried, headBytes);
    memory.set(piece, headBytes + carried.length);
    carried = memory.slice(count(headBytes, end), end);
  };
  return {
    update(bytes) {
      total += bytes.length;
      memory.set(state);
      for (let at = 0; at < bytes.length; at += pieceBytes) take(bytes.subarray(at, at + pieceBytes));
      state.set(memory.subarray(0, stateBytes));
      if (numbers[field.left] === damaged)
        throw new HoldfastError('ITEM_UNREADABLE', 'a BSON document begins with an impossible length');
    },
    finish() {
      if (format === 'bson') {
        if (carried.length > 0 || numbers[field.length] !== 0n)
          throw new HoldfastError('ITEM_UNREADABLE', 'the data ends in the middle of a BSON document');
      } else {
        memory.set(state);
        memory.set(carried, headBytes);
        functions.lineRowsEnd(headBytes, headBytes + carried.length);
        state.set(memory.subarray(0, stateBytes));
      }
      const [rows = 0n, sumA = 0n, sumB = 0n] = numbers;
      return { rows: Number(rows), bytes: total, checksum: hex(sumA) + hex(sumB) };
    },
  };
};

/** The count of two streams of the same table together, in either order. */
export const combine = (a: RowCount, b: RowCount): RowCount => ({
  rows: a.rows + b.rows,
  bytes: a.bytes + b.bytes,
  checksum: [0, 16].map((at) => hex(lane(a.checksum, at) + lane(b.checksum, at))).join(''),
});

/** The count of no rows: what `combine` begins with. */
export const noRows: RowCount = { rows: 0, bytes: 0, checksum: '0'.repeat(32) };

/** Small enough to stay in the processor's cache between the copy and the hash. */
const stagingBytes = 64 * 1024;
/** Leaves room for what is carried, and for the word that is read at the very end. */
const pieceBytes = stagingBytes - 16;
/** The state in the head, as wasm/assembly/rows.ts has it: seven u64. */
const stateBytes = 56;
const field = { length: 5, left: 6 } as const;
const damaged = 2n ** 64n - 1n;

/** Calls never overlap within a thread, so one instance serves all its counters. */
let shared: Instance | undefined;

const lane = (checksum: string, at: number): bigint => BigInt(`0x${checksum.slice(at, at + 16)}`);

const hex = (sum: bigint): string => BigInt.asUintN(64, sum).toString(16).padStart(16, '0');
