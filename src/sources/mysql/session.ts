// A session after login: statements one after the other over the socket that the driver has opened.
import type { Duplex } from 'node:stream';
import { asError } from '#lib/errors.ts';
import { farewellLimitMs, KeepAwake } from '../balancer.ts';
import type { Patience } from '../silence.ts';
import type { Content } from '../source.ts';
import { LoadCommand, type Loaded } from './load-command.ts';
import { errorOf, marker, PacketReader, queryPackets, quitPacket } from './packets.ts';
import { type Answer, QueryCommand } from './query-command.ts';
import { RowStream } from './row-stream.ts';

/** A statement under way; it gets what the server sends until it calls `done`. */
export interface Command {
  start(done: () => void): void;
  take(chunk: Buffer): void;
  /** The session broke. */
  fail(error: Error): void;
}

export class Session {
  readonly #stream: Duplex;
  readonly #waiting: { readonly command: Command; readonly packets: Buffer }[] = [];
  readonly #awake = new KeepAwake(() => {
    if (!this.#running) this.query('do 0').catch(() => {}); // who uses it next will find out
  });
  #running: Command | undefined;
  #lost: Error | undefined;
  #quitting = false;

  /** Takes the socket over from whoever reads it. */
  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.removeAllListeners('data');
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', (error: Error) => this.#lose(error));
    stream.on('close', () => this.#lose(new Error('it was closed')));
    stream.resume();
  }

  get usable(): boolean {
    return this.#lost === undefined && !this.#stream.destroyed;
  }

  /** All rows of an answer; names and values are UTF-8 text unless bytes are asked for, as Latin-1. */
  async query(sql: string | Buffer, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<Answer> {
    const command = new QueryCommand(encoding);
    this.#run(command, sql);
    return await command.outcome;
  }

  /** The rows of a SELECT as lines of text; they must be read to their end, or the session is closed. */
  rows(sql: string, patience?: Patience): RowStream {
    const rows = new RowStream(this.#stream, patience);
    this.#run(rows, sql);
    return rows;
  }

  /** LOAD DATA LOCAL, with the content in the place of its file. */
  async load(sql: string, content: () => Content): Promise<Loaded> {
    const command = new LoadCommand(this.#stream, content);
    this.#run(command, sql);
    return await command.outcome;
  }

  /** Ends it at once, whatever it is doing. */
  destroy(): void {
    this.#lose(new Error('it was closed'));
    this.#stream.destroy();
  }

  /** Says goodbye. */
  async quit(): Promise<void> {
    if (!this.usable) return;
    this.#quitting = true;
    this.#awake.stop();
    const closed = new Promise<void>((resolve) => this.#stream.once('close', resolve));
    this.#stream.end(quitPacket);
    const late = setTimeout(() => this.#stream.destroy(), farewellLimitMs);
    await closed;
    clearTimeout(late);
  }

  #run(command: Command, sql: string | Buffer): void {
    if (!this.usable) {
      command.fail(this.#lost ?? new Error('it was closed'));
      return;
    }
    this.#awake.spoken();
    this.#waiting.push({ command, packets: queryPackets(sql) });
    this.#next();
  }

  #next(): void {
    if (this.#running) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#running = next.command;
    next.command.start(() => {
      this.#running = undefined;
      this.#next();
    });
    this.#stream.write(next.packets);
  }

  #take(chunk: Buffer): void {
    try {
      if (this.#running) this.#running.take(chunk);
      else this.#takeFarewell(chunk);
    } catch (error) {
      this.#lose(asError(error));
      this.#stream.destroy();
    }
  }

  /** Nothing was asked: the server says why it ends the session. */
  #takeFarewell(chunk: Buffer): void {
    const reader = new PacketReader((payload) => {
      if (payload[0] !== marker.error) throw new Error('the server answers what nobody asked');
      this.#lose(errorOf(payload));
      return 'stop';
    });
    reader.take(chunk);
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    this.#awake.stop();
    if (this.#quitting) return;
    this.#running?.fail(error);
    for (const { command } of this.#waiting.splice(0)) command.fail(error);
  }
}
