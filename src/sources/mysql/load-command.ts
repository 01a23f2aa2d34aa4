// LOAD DATA LOCAL: a content onto the wire in the place of the file that the server asks for, no faster than it takes it.
import type { Duplex } from 'node:stream';
import type { Content } from '../source.ts';
import { type Done, doneOf, errorOf, headerBytes, marker, PacketReader } from './packets.ts';
import type { Command } from './session.ts';

/** Smaller than any server's max_allowed_packet. */
const packetBytes = 256 * 1024;

export interface Loaded extends Done {
  readonly bytes: number;
}

/** A content that fails ends what was sent, and the load with the content's error; the session is closed, so that nothing is kept. */
export class LoadCommand implements Command {
  readonly #stream: Duplex;
  readonly #content: () => Content;
  readonly #outcome = Promise.withResolvers<Loaded>();
  readonly #reader = new PacketReader((payload) => this.#takePayload(payload));
  #done = (): void => {};
  #bytes = 0;
  #sequence = 0;
  #contentError: unknown;
  #ended = false;

  constructor(stream: Duplex, content: () => Content) {
    this.#stream = stream;
    this.#content = content;
  }

  get outcome(): Promise<Loaded> {
    return this.#outcome.promise;
  }

  start(done: () => void): void {
    this.#done = done;
  }

  take(chunk: Buffer): void {
    this.#reader.take(chunk);
  }

  fail(error: Error): void {
    this.#ended = true;
    this.#outcome.reject(this.#contentError ?? error);
  }

  #takePayload(payload: Buffer): 'go on' | 'stop' {
    if (payload[0] === marker.infile) {
      this.#sequence = this.#reader.sequence;
      this.#reader.acceptAnyNumber();
      void this.#send();
      return 'go on';
    }
    this.#ended = true;
    this.#done();
    if (payload[0] === marker.error) this.fail(errorOf(payload));
    else this.#outcome.resolve({ ...doneOf(payload), bytes: this.#bytes });
    return 'stop';
  }

  async #send(): Promise<void> {
    try {
      for await (const chunk of this.#content()) {
        for (let at = 0; at < chunk.length && !this.#ended; at += packetBytes)
          await this.#sendPacket(chunk.subarray(at, at + packetBytes));
        if (this.#ended) return; // the server has refused; its error is on record
        this.#bytes += chunk.length;
      }
      await this.#sendPacket(new Uint8Array(0));
    } catch (error) {
      this.#contentError ??= error;
      this.#stream.destroy();
    }
  }

  /** Resolves when the bytes have left our hands, so that their buffer may be used again. */
  async #sendPacket(bytes: Uint8Array): Promise<void> {
    const header = Buffer.alloc(headerBytes);
    header.writeUIntLE(bytes.length, 0, 3);
    header[3] = this.#sequence++ & 0xff;
    const sent = Promise.withResolvers<void>();
    const settle = (error?: Error | null): void => (error ? sent.reject(error) : sent.resolve());
    this.#stream.cork();
    this.#stream.write(header, bytes.length === 0 ? settle : undefined);
    if (bytes.length > 0) this.#stream.write(bytes, settle);
    this.#stream.uncork();
    await sent.promise;
  }
}
