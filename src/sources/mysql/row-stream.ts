// The rows of a SELECT as large chunks of text, straight off the wire: the driver would make an object of each.
import type { Duplex } from 'node:stream';
import { errorOf, Fields, isEof, marker, PacketReader } from './packets.ts';
import { largestGrowth, RowText } from './row-text.ts';
import type { Command } from './session.ts';

/** A chunk is handed to the reader when it is at least this long, or the last. */
const chunkBytes = 512 * 1024;
/** The most that a socket hands over at once. */
const readBytes = 64 * 1024;

/**
 * Chunks are valid until the next is asked for. The server waits while nobody reads: two buffers are all that is held. A reader
 * that stops early closes the session, since nothing else stops the server.
 */
export class RowStream implements Command, AsyncIterable<Uint8Array> {
  readonly #stream: Duplex;
  readonly #reader = new PacketReader((payload) => this.#takeHead(payload));
  #columns: number | undefined;
  #text: RowText | undefined;
  #filling: Buffer = Buffer.alloc(0);
  #filled = 0;
  #spare: Buffer = Buffer.alloc(0);
  /** What the reader has, or is to have next. */
  #ready: { readonly buffer: Buffer; readonly length: number } | undefined;
  #end: { readonly error?: Error } | undefined;
  #wake = (): void => {};
  #done = (): void => {};

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** How many rows have come. */
  get rows(): number {
    return this.#text?.rows ?? 0;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (await this.#awaitReady()) {
        const { buffer, length } = this.#ready as { buffer: Buffer; length: number };
        yield buffer.subarray(0, length);
        this.#ready = undefined;
        this.#spare = buffer;
        if (this.#filled >= chunkBytes) this.#makeReady();
        this.#stream.resume();
      }
    } finally {
      if (this.#end) this.#stream.resume();
      else this.#stream.destroy();
    }
  }

  start(done: () => void): void {
    this.#done = done;
  }

  take(chunk: Buffer): void {
    if (this.#text) {
      this.#takeRows(this.#text, chunk);
      return;
    }
    this.#reader.take(chunk);
    if (this.#text) this.#takeRows(this.#text, this.#reader.release());
  }

  fail(error: Error): void {
    this.#finish({ error });
  }

  /** The number of columns, each column, and an EOF before the rows. */
  #takeHead(payload: Buffer): 'go on' | 'stop' {
    if (payload[0] === marker.error) this.#finish({ error: errorOf(payload) });
    else if (this.#columns === undefined) this.#columns = new Fields(payload).integer();
    else if (isEof(payload)) this.#text = new RowText(this.#columns);
    return this.#text ? 'stop' : 'go on';
  }

  #takeRows(text: RowText, read: Buffer): void {
    this.#makeRoom(read.length * largestGrowth);
    this.#filled = text.take(read, this.#filling, this.#filled);
    const { end } = text;
    if (end) this.#finish(end[0] === marker.error ? { error: errorOf(end) } : {});
    else if (this.#filled >= chunkBytes) {
      if (this.#ready) this.#stream.pause();
      else this.#makeReady();
    }
  }

  #makeRoom(bytes: number): void {
    const needed = this.#filled + bytes;
    if (needed <= this.#filling.length) return;
    // Small results get small buffers.
    const size = needed <= readBytes ? readBytes : Math.max(needed, chunkBytes + readBytes * largestGrowth);
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

  #finish(end: { readonly error?: Error }): void {
    if (this.#end) return;
    this.#end = end;
    this.#done();
    this.#wake();
  }

  /** False at the end. */
  async #awaitReady(): Promise<boolean> {
    while (!this.#ready && !this.#end)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#end?.error) throw this.#end.error;
    if (!this.#ready && this.#filled > 0) this.#makeReady();
    return this.#ready !== undefined;
  }
}
