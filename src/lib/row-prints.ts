// A print of each row in a stream of bytes: a keyed hash by which rows can be compared without keeping them. It is
// SipHash-2-4 with 128 bits over the row (its newline included), of which the first 96 are kept. Unlike the checksum of
// row-checksum.ts it also holds against those who choose the rows: without the key nobody can make two prints collide.
import type { RowFormat } from './row-format.ts';
import { headBytes, type Instance, instantiate } from './wasm/instance.ts';

/** Rows that ended within the bytes of one update. Good until the next call of any printer. */
export interface PrintedRows {
  readonly count: number;
  /** Three words a row: the hash's first 96 bits, little-endian. */
  readonly prints: Uint32Array;
  /** Where each row ends in the bytes given to `update` (after its newline). */
  readonly ends: Uint32Array;
}

export interface RowPrinter {
  /**
   * Takes the next bytes; rows may begin and end anywhere in them. `onRows` is called for each batch of rows that ended, in
   * order.
   */
  update(bytes: Uint8Array, onRows: (rows: PrintedRows) => void): void;
  /** Ends the stream; gives the last row if it has no end (which is then 0). The printer has then done its work. */
  finish(onRows: (rows: PrintedRows) => void): void;
}

/** A printer for one stream; `key`: 16 bytes. It costs next to nothing to make: all printers of a thread share one instance. */
export const createRowPrinter = (key: Uint8Array, format: RowFormat): RowPrinter => {
  if (key.length !== keyBytes)
    throw new RangeError(`a key for prints has ${keyBytes} bytes, not ${key.length}`);
  shared ??= instantiate(endsAt + 4 * pieceBytes - headBytes);
  const { functions, memory } = shared;
  memory.set(key);
  functions.printsStart();
  const print = format === 'bson' ? functions.bsonPrints : functions.linePrints;
  /** The printer's own state, lent to the instance for each piece. */
  const state = memory.slice(0, stateBytes);
  const stateWords = new Uint32Array(state.buffer);
  /** The end of what was taken: no whole word yet, and no end of a row. */
  let carried = new Uint8Array(0);

  /** Puts the state and what is carried in their places, and gives where to go on. */
  const lend = (): number => {
    memory.set(state);
    memory.set(carried, headBytes);
    return headBytes + carried.length;
  };
  /** `offset`: where the piece begins in the bytes given to `update`. Gives how many rows ended in it. */
  const take = (piece: Uint8Array, offset: number): number => {
    const at = lend();
    const end = at + piece.length;
    memory.set(piece, at);
    const left = print(headBytes, end, offset - at, printsAt, endsAt);
    state.set(memory.subarray(0, stateBytes));
    carried = memory.slice(left, end);
    return stateWords[rowsWord] as number;
  };
  return {
    update(bytes, onRows) {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const count = take(bytes.subarray(at, at + pieceBytes), at);
        if (count > 0) onRows(printedRows(memory, count));
      }
    },
    finish(onRows) {
      const count = functions.printsEnd(headBytes, lend(), printsAt);
      if (count === 0) return;
      const rows = printedRows(memory, count);
      rows.ends[0] = 0;
      onRows(rows);
    },
  };
};

const printedRows = (memory: Uint8Array<ArrayBuffer>, count: number): PrintedRows => ({
  count,
  prints: new Uint32Array(memory.buffer, printsAt, 3 * count),
  ends: new Uint32Array(memory.buffer, endsAt, count),
});

const keyBytes = 16;
/** The state in the head, as wasm/assembly/prints.ts has it: the key and seven u64. */
const stateBytes = 72;
const rowsWord = 14;

/** Small enough to stay in the processor's cache between the copy and the hash. */
const stagingBytes = 64 * 1024;
/** Leaves room for what is carried, and for the word that is read at the very end. */
const pieceBytes = stagingBytes - 16;
/** Behind the staged bytes there is room for as many rows as can end in a piece: one a byte. */
const printsAt = headBytes + stagingBytes;
const endsAt = printsAt + 12 * pieceBytes;

/** One instance serves all printers of a thread: each takes its state back before it hands rows over. */
let shared: Instance | undefined;
