// zstd with a context that is kept from frame to frame, and with output where the caller wants it. node:zlib makes a context and
// an output for each synchronous call, which takes longer than a small blob does, and makes the collector of garbage run often;
// it keeps one in a stream, so this drives the handle inside a stream, as the package minizlib does.
import { constants, type ZstdCompress, type ZstdDecompress } from 'node:zlib';

/** After it has thrown it may not be used again. */
export interface ZstdContext {
  /** Gives how many bytes it wrote to the beginning of `output`, which must have room for one more. */
  into(bytes: Uint8Array, output: Uint8Array): number;
  /** Fills `output` again and again; `take` is given each time what is in it. */
  throughout(pieces: Iterable<Uint8Array>, output: Uint8Array, take: (bytes: Uint8Array) => void): void;
}

const { ZSTD_e_continue, ZSTD_e_end } = constants;

/** What is inside a stream of node:zlib. */
interface Inside {
  readonly _handle?: Handle | null;
  /** Room left in the output and bytes left of the input, after each write. */
  readonly _writeState?: Uint32Array;
}

interface Handle {
  onerror: (message: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputBytes: number,
    output: Uint8Array,
    outputAt: number,
    outputBytes: number,
  ): void;
}

/** Undefined where this Node is made otherwise inside. */
export const keptContext = (stream: ZstdCompress | ZstdDecompress): ZstdContext | undefined => {
  const { _handle: handle, _writeState: left } = stream as Inside;
  if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array)) return undefined;
  let failure: string | undefined;
  handle.onerror = (message) => {
    failure = message;
  };
  /** Writes from that byte on, and gives what is left of the output and of the input. */
  const write = (
    bytes: Uint8Array,
    from: number,
    output: Uint8Array,
    flush = ZSTD_e_end,
  ): [room: number, unread: number] => {
    handle.writeSync(flush, bytes, from, bytes.length - from, output, 0, output.length);
    if (failure !== undefined) throw new Error(failure);
    const [room = 0, unread = 0] = left;
    return [room, unread];
  };
  return {
    into(bytes, output) {
      const [room, unread] = write(bytes, 0, output);
      if (room === 0 || unread !== 0) throw new Error(`does not fit into ${output.length} bytes`);
      return output.length - room;
    },
    throughout(pieces, output, take) {
      const writeAll = (bytes: Uint8Array, flush: number): void => {
        for (let from = 0, isFull = true; isFull || from < bytes.length; ) {
          const [room, unread] = write(bytes, from, output, flush);
          take(output.subarray(0, output.length - room));
          from = bytes.length - unread;
          isFull = room === 0;
        }
      };
      for (const piece of pieces) writeAll(piece, ZSTD_e_continue);
      writeAll(new Uint8Array(0), ZSTD_e_end);
    },
  };
};
