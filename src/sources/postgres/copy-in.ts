// COPY … FROM STDIN, and what is said before and after it: contents onto the wire, no faster than the server takes them.
import type { Duplex } from 'node:stream';
import { asError } from '#lib/errors.ts';
import type { Content } from '../source.ts';
import { type RunningQuery, rowsOfTag, type WireConnection } from './wire.ts';

/** The server holds a whole message in memory. */
const messageBytes = 1024 * 1024;
const copyData = 'd'.charCodeAt(0);

export interface CopiedIn {
  /** As the server counted them. */
  readonly rows: number;
  readonly bytes: number;
}

/** Sends a content as the input of a COPY. A content that fails makes the COPY fail, with the content's error. */
export class CopyIn implements RunningQuery {
  readonly #sql: string;
  readonly #content: () => Content;
  readonly #outcome = Promise.withResolvers<CopiedIn>();
  #bytes = 0;
  #rows = 0;
  #contentError: unknown;
  #ended = false;

  constructor(sql: string, content: () => Content) {
    this.#sql = sql;
    this.#content = content;
  }

  /** What the content failed with, if it did. */
  get contentError(): unknown {
    return this.#contentError;
  }

  /** Settles when the server is ready for the next statement. */
  get outcome(): Promise<CopiedIn> {
    return this.#outcome.promise;
  }

  submit(connection: WireConnection): void {
    connection.query(this.#sql);
  }

  handleCopyInResponse(connection: WireConnection): void {
    void this.#send(connection);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rows += rowsOfTag(text) ?? 0;
  }

  handleReadyForQuery(): void {
    this.#ended = true;
    this.#outcome.resolve({ rows: this.#rows, bytes: this.#bytes });
  }

  handleError(error: Error): void {
    this.#ended = true;
    this.#outcome.reject(this.#contentError ?? error);
  }

  handleCopyData(): void {}

  /** Of the statements around the COPY, which answer with rows. */
  handleRowDescription(): void {}

  handleDataRow(): void {}

  async #send(connection: WireConnection): Promise<void> {
    try {
      for await (const chunk of this.#content()) {
        for (let at = 0; at < chunk.length && !this.#ended; at += messageBytes)
          await this.#sendMessage(connection.stream, chunk.subarray(at, at + messageBytes));
        if (this.#ended) return; // the server has refused; its error is on record
        this.#bytes += chunk.length;
      }
      connection.endCopyFrom();
    } catch (error) {
      if (this.#ended) return;
      this.#contentError = error;
      connection.sendCopyFail('the backup could not be read on');
    }
  }

  /** A connection that breaks is no failure of the content. */
  async #sendMessage(stream: Duplex, bytes: Uint8Array): Promise<void> {
    try {
      await sendMessage(stream, bytes);
    } catch (error) {
      this.handleError(asError(error));
      throw error;
    }
  }
}

/** Resolves when the bytes have left our hands, so that their buffer may be used again. */
const sendMessage = async (stream: Duplex, bytes: Uint8Array): Promise<void> => {
  const header = Buffer.allocUnsafe(5);
  header[0] = copyData;
  header.writeUInt32BE(bytes.length + 4, 1);
  const sent = Promise.withResolvers<void>();
  stream.cork();
  stream.write(header);
  stream.write(bytes, (error) => (error ? sent.reject(error) : sent.resolve()));
  stream.uncork();
  await sent.promise;
};
