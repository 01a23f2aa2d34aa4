// What a command tells its user: one event at a time, as a line for people or, with --json, as one object a line.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Clock } from '#lib/clock.ts';
import { exitStatus, HoldfastError, hintOf, messageOf, systemCode } from '#lib/errors.ts';
import { printableText } from '#lib/format.ts';
import type { Progress } from '#lib/progress.ts';
import { type Column, formatTable } from './output-format.ts';
import { ProgressLine } from './output-progress.ts';

export type Verbosity = 'quiet' | 'normal' | 'verbose';

/** An event as --json shows it. Keys are snake_case, as restic's are. */
export type Message = { readonly message_type: string } & Readonly<Record<string, unknown>>;

/** A standard stream, or a test's own. */
export type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface OutputOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly json: boolean;
  readonly verbosity: Verbosity;
  readonly clock: Clock;
  /** Colours are left out when NO_COLOR is set or the stream is no terminal. */
  readonly noColor?: boolean;
}

/** A line as people read it, without its colours. */
export type OnLine = (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void;

type Style = 'red' | 'yellow' | 'bold' | 'dim';
const styles: Record<Style, readonly [number, number]> = {
  red: [31, 39],
  yellow: [33, 39],
  bold: [1, 22],
  dim: [2, 22],
};

/** Thrown when the reader of standard output has gone away, as in `holdfast ls latest | head`. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

export class Output {
  readonly json: boolean;
  readonly verbosity: Verbosity;
  readonly #stdout: Stream;
  readonly #stderr: Stream;
  readonly #noColor: boolean;
  readonly #progress: ProgressLine;
  /** Why standard output takes no more. */
  #broken: Error | undefined;
  #hasResult = false;
  #copy: OnLine | undefined;

  constructor(options: OutputOptions) {
    this.json = options.json;
    this.verbosity = options.verbosity;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.#noColor = options.noColor ?? false;
    this.#progress = new ProgressLine(options.clock);
    this.#stdout.on('error', (error) => {
      this.#broken ??= error;
    });
    this.#stderr.on('error', () => {});
  }

  /** True when somebody watches: progress is then shown in place. */
  get live(): boolean {
    return !this.json && this.verbosity !== 'quiet' && this.#stdout.isTTY === true;
  }

  /** Also hands every line of what happens to `copy`, whatever is shown, until that is disposed of. */
  copyTo(copy: OnLine): Disposable {
    const before = this.#copy;
    this.#copy = copy;
    return {
      [Symbol.dispose]: () => {
        this.#copy = before;
      },
    };
  }

  /** What happens, one event at a time; without a line, only with --json. Left out with -q. */
  say(message: Message, line: string | undefined): void {
    if (line !== undefined) this.#copy?.('info', line);
    if (this.verbosity !== 'quiet' && (this.json || line !== undefined))
      this.#emit(message, printableText(line ?? ''));
  }

  /** What happens in detail: only with -v. */
  detail(message: Message, line: string): void {
    this.#copy?.('debug', line);
    if (this.verbosity === 'verbose') this.#emit(message, this.#style('dim', line, this.#stdout));
  }

  /** What the command was asked for (a table, a listing): shown with -q too. Waits for a slow reader. */
  async result(message: Message | undefined, line: string | undefined): Promise<void> {
    await this.#result(message, line === undefined ? undefined : printableText(line));
  }

  /** A table, its titles set off from its rows. Left out with --json. */
  async table(columns: readonly Column[], rows: readonly (readonly string[])[]): Promise<void> {
    const [titles = '', ...lines] = formatTable(columns, rows);
    await this.heading(titles);
    for (const line of lines) await this.result(undefined, line);
  }

  /** A heading of a table or paragraph. Left out with --json. */
  async heading(line: string): Promise<void> {
    await this.#result(undefined, this.#style('bold', line, this.#stdout));
  }

  /** Bytes as they are, to standard output. */
  async bytes(chunk: Uint8Array): Promise<void> {
    this.#hasResult = true;
    // The chunk is copied: its producer may use the memory again before a slow reader has taken it.
    if (!this.#stdout.write(Buffer.from(chunk))) await this.#drained();
    this.#throwIfBroken();
  }

  /** Text as it is; on a terminal, which would take part of a name for orders, as it can be read. */
  async text(text: string): Promise<void> {
    const isSeen = this.#stdout.isTTY === true;
    await this.bytes(Buffer.from(isSeen ? printableText(text.replaceAll('\r\n', '\n')) : text));
  }

  /** Waits until everything written so far has been taken. */
  async flush(): Promise<void> {
    await this.#taken();
    this.#throwIfBroken();
  }

  /** The same at the end of a command. What was asked for and could not be written is an error; a lost event is a warning. */
  async end(): Promise<void> {
    await this.#taken();
    if (this.#broken === undefined || isReaderGone(this.#broken)) return;
    if (this.#hasResult) this.#throwIfBroken();
    this.warn(cannotWrite(this.#broken));
  }

  /** Something the user should know although the command goes on; to standard error, with -q too. */
  warn(text: string, hint?: string): void {
    this.#copy?.('warn', withHint(text, hint));
    this.#complain({ message_type: 'warning', message: text, ...(hint && { hint }) }, 'yellow', text, hint);
  }

  /** A line of a log that is formed already, to standard error. */
  log(line: string): void {
    this.#writeError(line);
  }

  /** Something that failed while the rest goes on: to standard error; with --json in its place among the other messages. */
  failure(message: Message, text: string, hint?: string): void {
    this.#copy?.('error', withHint(text, hint));
    if (this.json) this.#emit(message, '');
    else this.#complain(message, 'red', text, hint);
  }

  /** The error that ends the command. */
  fatal(error: unknown): void {
    const hint = hintOf(error);
    const status = exitStatus(error);
    const name = error instanceof HoldfastError ? error.code : 'FAILED';
    const message = { message_type: 'exit_error', code: status, error: name, message: textOf(error), hint };
    this.#complain(message, 'red', `holdfast: ${textOf(error)}`, hint);
    if (this.verbosity === 'verbose' && !this.json) this.#writeError(`${printableText(stackOf(error))}\n`);
  }

  /** How far the work is; shown at most as often as the reader can use it. */
  progress(subject: string, progress: Progress): void {
    if (this.verbosity === 'quiet') return;
    this.#progress.update(subject, progress);
    this.tick();
  }

  /** Shows progress again when it is time to; to be called now and then while the work is silent. */
  tick(): void {
    if (this.verbosity === 'quiet') return;
    const mode = this.json ? 'json' : this.live ? 'live' : 'plain';
    if (!this.#progress.due(mode)) return;
    if (mode === 'json') this.#writeOut(`${JSON.stringify(this.#progress.message())}\n`);
    else if (mode === 'plain') this.#writeOut(`${this.#progress.line()}\n`);
    else this.#writeOut(`\r${this.#progress.line(this.#stdout.columns || 80)}\u001b[K`); // 0 is a terminal that does not know
  }

  /** Takes the progress line away, when what it told of is done. */
  progressDone(): void {
    if (this.#progress.clear()) this.#writeOut('\r\u001b[K');
  }

  async #result(message: Message | undefined, line: string | undefined): Promise<void> {
    this.#hasResult = true;
    if (this.json ? message !== undefined : line !== undefined) this.#emit(message, line ?? '');
    await this.#drained();
  }

  #emit(message: Message | undefined, line: string): void {
    this.progressLineAway();
    this.#writeOut(this.json ? `${JSON.stringify(message)}\n` : `${line}\n`);
  }

  #complain(message: Message, style: Style, text: string, hint: string | undefined): void {
    this.progressLineAway();
    if (this.json) {
      this.#writeError(`${JSON.stringify(message)}\n`);
      return;
    }
    const lines = [this.#style(style, text, this.#stderr)];
    if (hint) lines.push(`${this.#style('bold', 'hint:', this.#stderr)} ${printableText(hint)}`);
    this.#writeError(`${lines.join('\n')}\n`);
  }

  /** Makes room for a line where the progress is shown; the next tick draws it again. */
  progressLineAway(): void {
    if (this.#progress.hide()) this.#writeOut('\r\u001b[K');
  }

  #writeOut(text: string): void {
    if (this.#broken === undefined) this.#stdout.write(text);
  }

  #writeError(text: string): void {
    this.#stderr.write(text);
  }

  async #drained(): Promise<void> {
    if (this.#stdout.writableNeedDrain && this.#broken === undefined)
      await once(this.#stdout, 'drain').catch(() => {});
    this.#throwIfBroken();
  }

  /** Resolves when nothing waits to be written any more, because it is written or because it cannot be. */
  async #taken(): Promise<void> {
    const stream = this.#stdout;
    if (!stream.destroyed) await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }

  #throwIfBroken(): void {
    if (this.#broken === undefined) return;
    if (isReaderGone(this.#broken)) throw new ReaderGone('the reader of standard output has gone');
    throw new HoldfastError('FAILED', cannotWrite(this.#broken), {
      cause: this.#broken,
      hint: 'what was written there is not all of it: make room, and run it again',
    });
  }

  /** The text made safe for a terminal, for a name in it may be anybody's, and set off where that can be seen. */
  #style(style: Style, text: string, stream: Stream): string {
    const shown = printableText(text);
    if (this.#noColor || stream.isTTY !== true) return shown;
    const [open, close] = styles[style];
    return `\u001b[${open}m${shown}\u001b[${close}m`;
  }
}

const isReaderGone = (error: Error): boolean => systemCode(error) === 'EPIPE';

const cannotWrite = (error: Error): string => `cannot write to standard output: ${messageOf(error)}`;

const withHint = (text: string, hint: string | undefined): string =>
  hint === undefined ? text : `${text}; ${hint}`;

/** Several lines stay several lines when we wrote them ourselves, as for a file with several mistakes. */
const textOf = (error: unknown): string =>
  error instanceof HoldfastError ? error.message : messageOf(error);

const stackOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause)}`;
};
