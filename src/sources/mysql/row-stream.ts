// The rows of a SELECT as large chunks of text, straight off the wire: the driver would make an object of each.
import type { Duplex } from 'node:stream';
import { RowChunks } from '../row-chunks.ts';
import type { Patience } from '../silence.ts';
import { errorOf, Fields, isEof, marker, PacketReader } from './packets.ts';
import { largestGrowth, RowText } from './row-text.ts';
import type { Command } from './session.ts';

/** Chunks are valid until the next is asked for. A reader that stops early closes the session. */
export class RowStream implements Command, AsyncIterable<Uint8Array> {
  readonly #chunks: RowChunks;
  readonly #reader = new PacketReader((payload) => this.#takeHead(payload));
  #columns: number | undefined;
  #text: RowText | undefined;
  #hasEnded = false;
  #done = (): void => {};

  constructor(stream: Duplex, patience?: Patience) {
    this.#chunks = new RowChunks(largestGrowth, patience);
    this.#chunks.from(stream);
  }

  /** How many rows have come. */
  get rows(): number {
    return this.#text?.rows ?? 0;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#chunks[Symbol.asyncIterator]();
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
    this.#finish(error);
  }

  /** The number of columns, each column, and an EOF before the rows. */
  #takeHead(payload: Buffer): 'go on' | 'stop' {
    if (payload[0] === marker.error) this.#finish(errorOf(payload));
    else if (this.#columns === undefined) this.#columns = new Fields(payload).integer();
    else if (isEof(payload)) this.#text = new RowText(this.#columns, this.#reader.sequence);
    return this.#text ? 'stop' : 'go on';
  }

  #takeRows(text: RowText, read: Buffer): void {
    this.#chunks.add(read.length * largestGrowth, (chunk, at) => text.take(read, chunk, at));
    const { end } = text;
    if (end) this.#finish(end[0] === marker.error ? errorOf(end) : undefined);
  }

  #finish(error?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#done();
    this.#chunks.end(error);
  }
}
