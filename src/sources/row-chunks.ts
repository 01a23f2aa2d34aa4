// Rows as a server sends them, gathered into large chunks: two buffers are all that is held.
import type { Duplex } from 'node:stream';
import { type Patience, watchForSilence } from './silence.ts';

/** A chunk is handed to the reader when it is at least this long, or the last. */
const chunkBytes = 512 * 1024;
/** The most that a socket hands over at once. */
const readBytes = 64 * 1024;

/** A socket. */
type Source = Duplex & { readonly bytesRead?: number };

interface Ready {
  readonly buffer: Buffer;
  readonly length: number;
}

/**
 * One buffer is filled while the reader has the other: a chunk is valid until the next is asked for. The server waits while nobody
 * reads. A reader that stops early closes the connection, since nothing else stops the server.
 */
export class RowChunks implements AsyncIterable<Uint8Array> {
  readonly #mostAtOnce: number;
  readonly #patience: Patience | undefined;
  #stream: Source | undefined;
  #filling: Buffer = Buffer.alloc(0);
  #filled = 0;
  #spare: Buffer = Buffer.alloc(0);
  /** What the reader has, or is to have next. */
  #ready: Ready | undefined;
  #end: { readonly error?: Error } | undefined;
  #hasBegun = false;
  #isAwaited = false;
  #wake = (): void => {};

  /** `growth`: how many times longer rows can become than they were read. */
  constructor(growth = 1, patience?: Patience) {
    this.#mostAtOnce = readBytes * growth;
    this.#patience = patience;
  }

  /** Where rows come from. */
  from(stream: Source): void {
    this.#stream = stream;
  }

  /** Has rows written where there is room for so many bytes; `write` returns where they end. */
  add(mostBytes: number, write: (buffer: Buffer, at: number) => number): void {
    this.#makeRoom(this.#filled + mostBytes);
    this.#filled = write(this.#filling, this.#filled);
    this.#hasBegun ||= this.#filled > 0;
    if (this.#filled < chunkBytes) return;
    if (this.#ready) this.#stream?.pause();
    else this.#makeReady();
  }

  /** Ends the rows, with the error if there is one. Only the first call counts. */
  end(error?: Error): void {
    this.#end ??= error ? { error } : {};
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const endWatch = this.#watch();
    try {
      for (let ready = await this.#nextReady(); ready; ready = await this.#nextReady()) {
        yield ready.buffer.subarray(0, ready.length);
        this.#ready = undefined;
        this.#spare = ready.buffer;
        if (this.#filled >= chunkBytes) this.#makeReady();
        this.#stream?.resume();
      }
    } finally {
      endWatch?.();
      if (this.#end) this.#stream?.resume();
      else this.#stream?.destroy();
    }
  }

  /** A query that has not begun to answer may take as long as it takes. */
  #watch(): (() => void) | undefined {
    const stream = this.#stream;
    return (
      stream &&
      this.#patience &&
      watchForSilence(this.#patience, {
        bytes: () => stream.bytesRead ?? 0,
        isDue: () => this.#hasBegun && this.#isAwaited,
        giveUp: (error) => stream.destroy(error),
      })
    );
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#filling.length) return;
    const size = bytes <= readBytes ? readBytes : Math.max(chunkBytes, bytes) + this.#mostAtOnce; // small results get small buffers
    const larger = Buffer.allocUnsafeSlow(size);
    this.#filling.copy(larger, 0, 0, this.#filled);
    this.#filling = larger;
  }

  #makeReady(): void {
    this.#ready = { buffer: this.#filling, length: this.#filled };
    this.#filling = this.#spare;
    this.#filled = 0;
    this.#wake();
  }

  /** Undefined at the end. */
  async #nextReady(): Promise<Ready | undefined> {
    this.#isAwaited = true;
    while (!this.#ready && !this.#end)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    this.#isAwaited = false;
    if (this.#end?.error) throw this.#end.error;
    if (!this.#ready && this.#filled > 0) this.#makeReady();
    return this.#ready;
  }
}
