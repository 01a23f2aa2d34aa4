// A statement whose answer is small: all of it is held.
import { columnName, type Done, doneOf, errorOf, Fields, isEof, marker, PacketReader } from './packets.ts';
import type { Command } from './session.ts';

/** Of a row, in the order of its columns. */
export type TextValues = readonly (string | null)[];

export interface Answer {
  /** Of its columns. */
  readonly names: readonly string[];
  readonly values: readonly TextValues[];
  /** Of a statement that answers no rows. */
  readonly done: Done | undefined;
}

/** Each row by the names of its columns. */
export const rowsOf = <Row>({ names, values }: Answer): Row[] =>
  values.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])) as Row);

export class QueryCommand implements Command {
  readonly #encoding: 'utf8' | 'latin1';
  readonly #outcome = Promise.withResolvers<Answer>();
  readonly #reader = new PacketReader((payload) => this.#takePayload(payload));
  readonly #names: string[] = [];
  readonly #values: TextValues[] = [];
  #part: 'head' | 'columns' | 'rows' = 'head';
  #done = (): void => {};

  constructor(encoding: 'utf8' | 'latin1') {
    this.#encoding = encoding;
  }

  get outcome(): Promise<Answer> {
    return this.#outcome.promise;
  }

  start(done: () => void): void {
    this.#done = done;
  }

  take(chunk: Buffer): void {
    this.#reader.take(chunk);
  }

  fail(error: Error): void {
    this.#outcome.reject(error);
  }

  #takePayload(payload: Buffer): 'go on' | 'stop' {
    if (payload[0] === marker.error) return this.#finish(() => this.fail(errorOf(payload)));
    if (this.#part === 'head') return this.#takeHead(payload);
    if (this.#part === 'columns') {
      if (isEof(payload)) this.#part = 'rows';
      else this.#names.push(columnName(payload));
    } else if (isEof(payload)) {
      const answer = { names: this.#names, values: this.#values, done: undefined };
      return this.#finish(() => this.#outcome.resolve(answer));
    } else {
      const fields = new Fields(payload);
      this.#values.push(this.#names.map(() => fields.value()?.toString(this.#encoding) ?? null));
    }
    return 'go on';
  }

  #takeHead(payload: Buffer): 'go on' | 'stop' {
    if (payload[0] === marker.ok)
      return this.#finish(() => this.#outcome.resolve({ names: [], values: [], done: doneOf(payload) }));
    if (payload[0] === marker.infile) throw new Error('the server asks for a file that nobody offered');
    this.#part = 'columns';
    return 'go on';
  }

  #finish(settle: () => void): 'stop' {
    this.#done();
    settle();
    return 'stop';
  }
}
