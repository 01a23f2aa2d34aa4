// zstd with a context that is kept from frame to frame, and with output where the caller wants it. node:zlib makes a context and
// an output for each synchronous call, which takes longer than a small blob does, and makes the collector of garbage run often;
// it keeps one in a stream, so this drives the handle inside a stream, as the package minizlib does.
import type { ZstdCompress, ZstdDecompress } from 'node:zlib';

/**
 * Gives how many bytes it wrote to the beginning of `output`, which must have room for one more. After it has thrown it may not
 * be called again.
 */
export type ZstdContext = (bytes: Uint8Array, output: Uint8Array) => number;

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
export const keptContext = (
  stream: ZstdCompress | ZstdDecompress,
  flush: number,
): ZstdContext | undefined => {
  const { _handle: handle, _writeState: left } = stream as Inside;
  if (typeof handle?.writeSync !== 'function' || !(left instanceof Uint32Array)) return undefined;
  let failure: string | undefined;
  handle.onerror = (message) => {
    failure = message;
  };
  return (bytes, output) => {
    handle.writeSync(flush, bytes, 0, bytes.length, output, 0, output.length);
    if (failure !== undefined) throw new Error(failure);
    const [room = 0, unread] = left;
    if (room === 0 || unread !== 0) throw new Error(`does not fit into ${output.length} bytes`);
    return output.length - room;
  };
};
