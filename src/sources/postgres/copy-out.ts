// COPY … TO STDOUT read straight off the wire. The server sends one small message a row, of which the driver would make an
// object each; so while a COPY runs its messages are taken apart here, and only the others reach the driver.
import type { Duplex } from 'node:stream';
import { LendingSocket } from './lending-socket.ts';
import { type RunningQuery, rowsOfTag, type WireConnection } from './wire.ts';

/** A chunk is handed to the reader when it is at least this long, or the last. */
const chunkBytes = 512 * 1024;
/** The most that a socket hands over at once. */
const readBytes = 64 * 1024;
/** A message's type, and its length without the type (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const headerBytes = 5;
const copyData = 'd'.charCodeAt(0);
const readyForQuery = 'Z'.charCodeAt(0);

type Listener = (chunk: Buffer) => void;

/**
 * The rows of a COPY as large chunks, each valid until the next is asked for. The server waits while nobody reads: two
 * buffers are all that is held. A reader that stops early closes the connection, since nothing else stops the server.
 */
export class CopyOut implements RunningQuery, AsyncIterable<Uint8Array> {
  readonly #sql: string;
  #stream: Duplex | undefined;
  #driver: Listener | undefined;
  #filling = Buffer.alloc(0);
  #filled = 0;
  #spare = Buffer.alloc(0);
  /** What the reader has, or is to have next. */
  #ready: { readonly buffer: Buffer<ArrayBuffer>; readonly length: number } | undefined;
  /** Bytes still to come of a row that a read cut in two. */
  #rowBytesLeft = 0;
  /** The beginning of a message that a read cut in two, when it is no row. */
  #partial = Buffer.alloc(0);
  #rows: number | undefined;
  #end: { readonly error?: Error } | undefined;
  #wake = (): void => {};

  constructor(sql: string) {
    this.#sql = sql;
  }

  /** How many rows the server says it has sent; undefined before it has said so. */
  get rows(): number | undefined {
    return this.#rows;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (await this.#awaitReady()) {
        const { buffer, length } = this.#ready as { buffer: Buffer<ArrayBuffer>; length: number };
        yield buffer.subarray(0, length);
        this.#ready = undefined;
        this.#spare = buffer;
        if (this.#filled >= chunkBytes) this.#makeReady();
        this.#stream?.resume();
      }
    } finally {
      if (!this.#end) this.#stream?.destroy();
    }
  }

  submit(connection: WireConnection): void {
    this.#stream = connection.stream;
    this.#driver = connection.stream.listeners('data')[0] as Listener;
    this.#stream.off('data', this.#driver).on('data', this.#take);
    if (this.#stream instanceof LendingSocket) this.#stream.lending = true;
    connection.query(this.#sql);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rows = rowsOfTag(text);
  }

  handleReadyForQuery(): void {
    this.#finish({});
  }

  handleError(error: Error): void {
    this.#finish({ error });
  }

  handleCopyInResponse(connection: WireConnection): void {
    connection.sendCopyFail('nothing to send');
  }

  handleCopyData(): void {}

  /** Moves the rows to the front of what was read, where they lie one after the other, and hands all else to the driver. */
  readonly #take = (read: Buffer): void => {
    const bytes = this.#partial.length > 0 ? Buffer.concat([this.#partial, read]) : read;
    let rowBytes = Math.min(this.#rowBytesLeft, bytes.length);
    let at = this.#rowBytesLeft;
    while (at + headerBytes <= bytes.length) {
      const next = at + 1 + bytes.readUInt32BE(at + 1);
      if (bytes[at] === copyData) {
        bytes.copyWithin(rowBytes, at + headerBytes, next);
        rowBytes += Math.min(next, bytes.length) - at - headerBytes;
      } else if (next > bytes.length) break;
      else this.#handToDriver(bytes.subarray(at, next));
      at = next;
    }
    this.#rowBytesLeft = Math.max(0, at - bytes.length);
    this.#partial = Buffer.from(bytes.subarray(at));
    if (rowBytes > 0) this.#gather(bytes.subarray(0, rowBytes));
  };

  /** The driver takes over again before it learns that the server is ready, since that may begin its next query. */
  #handToDriver(message: Buffer): void {
    const driver = this.#driver as Listener;
    if (message[0] === readyForQuery) {
      this.#stream?.off('data', this.#take).on('data', driver);
      if (this.#stream instanceof LendingSocket) this.#stream.lending = false;
    }
    driver(message);
  }

  #gather(rows: Buffer): void {
    const needed = this.#filled + rows.length;
    if (needed > this.#filling.length) {
      const larger = Buffer.allocUnsafeSlow(
        needed <= readBytes ? readBytes : Math.max(chunkBytes, needed) + readBytes,
      );
      this.#filling.copy(larger, 0, 0, this.#filled);
      this.#filling = larger;
    }
    rows.copy(this.#filling, this.#filled);
    this.#filled = needed;
    if (needed < chunkBytes) return;
    if (this.#ready) this.#stream?.pause();
    else this.#makeReady();
  }

  #makeReady(): void {
    this.#ready = { buffer: this.#filling, length: this.#filled };
    this.#filling = this.#spare;
    this.#filled = 0;
    this.#wake();
  }

  #finish(end: { readonly error?: Error }): void {
    this.#end ??= end;
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
