// Node's streams and the web's at the edge of async iterables.
import { PassThrough, Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { Compression } from './format.ts';

export type Bytes = AsyncIterable<Uint8Array>;

/** The bytes as a transform makes them. Errors of either side are thrown; a reader that stops ends both. */
async function* through(bytes: Bytes, transform: Transform): AsyncGenerator<Uint8Array> {
  const out = new PassThrough();
  // Chunks may be reused by their producer once the next is asked for, and a transform keeps what it was given.
  const working = pipeline(Readable.from(copied(bytes)), transform, out);
  working.catch(() => {}); // thrown by the reading below
  try {
    yield* out as AsyncIterable<Uint8Array>;
    await working;
  } finally {
    out.destroy();
    await working.catch(() => {}); // it is given up, or its error was thrown
  }
}

export const compress = (bytes: Bytes, compression: Compression): Bytes => {
  if (compression === 'none') return bytes;
  return through(bytes, compression === 'gzip' ? createGzip() : createZstdCompress());
};

/** Throws when the bytes end too early. */
export const decompress = (bytes: Bytes, compression: Compression): Bytes => {
  if (compression === 'none') return bytes;
  return through(bytes, compression === 'gzip' ? createGunzip() : createZstdDecompress());
};

/** As the web has it: whoever reads decides when more is asked for. */
export const webStream = (bytes: Bytes): ReadableStream<Uint8Array> => {
  const iterator = bytes[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(Uint8Array.from(value));
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
};

async function* copied(bytes: Bytes): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) yield Buffer.from(chunk);
}
