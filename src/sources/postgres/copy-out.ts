// COPY … TO STDOUT read straight off the wire. The server sends one small message a row, of which the driver would make an
// object each; so while a COPY runs its messages are taken apart here, and only the others reach the driver.
import type { Duplex } from 'node:stream';
import { RowChunks } from '../row-chunks.ts';
import type { Patience } from '../silence.ts';
import { LendingSocket } from './lending-socket.ts';
import { type RunningQuery, rowsOfTag, type WireConnection } from './wire.ts';

/** A message's type, and its length without the type (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const headerBytes = 5;
const copyData = 'd'.charCodeAt(0);
const readyForQuery = 'Z'.charCodeAt(0);

/** What a server may send in answer to a query, and what of it may be long: libpq, too, takes anything else for a line out of step. */
const types = new Set(Buffer.from('ACDEGHINSTWZcd'));
const longTypes = new Set(Buffer.from('ADENTd'));
const shortMessage = 30_000;

const isMessage = (type: number, length: number): boolean =>
  length >= headerBytes - 1 &&
  (type === copyData || (types.has(type) && (length <= shortMessage || longTypes.has(type))));

type Listener = (chunk: Buffer) => void;

/** The rows of a COPY as large chunks, each valid until the next is asked for. A reader that stops early closes the connection. */
export class CopyOut implements RunningQuery, AsyncIterable<Uint8Array> {
  readonly #sql: string;
  readonly #chunks: RowChunks;
  #stream: Duplex | undefined;
  #driver: Listener | undefined;
  /** Bytes still to come of a row that a read cut in two. */
  #rowBytesLeft = 0;
  /** The beginning of a message that a read cut in two, when it is no row. */
  #partial = Buffer.alloc(0);
  #rows: number | undefined;

  constructor(sql: string, patience?: Patience) {
    this.#sql = sql;
    this.#chunks = new RowChunks(1, patience);
  }

  /** How many rows the server says it has sent; undefined before it has said so. */
  get rows(): number | undefined {
    return this.#rows;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#chunks[Symbol.asyncIterator]();
  }

  submit(connection: WireConnection): void {
    this.#stream = connection.stream;
    this.#chunks.from(this.#stream);
    this.#driver = connection.stream.listeners('data')[0] as Listener;
    this.#stream.off('data', this.#driver).on('data', this.#take);
    if (this.#stream instanceof LendingSocket) this.#stream.lending = true;
    connection.query(this.#sql);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rows = rowsOfTag(text);
  }

  handleReadyForQuery(): void {
    this.#chunks.end();
  }

  handleError(error: Error): void {
    this.#chunks.end(error);
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
      const length = bytes.readInt32BE(at + 1);
      if (!isMessage(bytes[at] as number, length)) {
        this.#stream?.destroy(new Error('what the server sends is no message of PostgreSQL'));
        return;
      }
      const next = at + 1 + length;
      if (bytes[at] === copyData) {
        bytes.copyWithin(rowBytes, at + headerBytes, next);
        rowBytes += Math.min(next, bytes.length) - at - headerBytes;
      } else if (next > bytes.length) break;
      else this.#handToDriver(bytes.subarray(at, next));
      at = next;
    }
    this.#rowBytesLeft = Math.max(0, at - bytes.length);
    this.#partial = Buffer.from(bytes.subarray(at));
    if (rowBytes > 0) this.#chunks.add(rowBytes, (chunk, at) => at + bytes.copy(chunk, at, 0, rowBytes));
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
}
