// A shell on the server that is given one command after the other: none costs the start of a shell of its own.
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '#lib/errors.ts';
import type { SftpConnection } from './sftp-session.ts';
import type { ClientChannel } from './ssh-client.ts';

export interface Answer {
  readonly status: number;
  /** What was printed, a character a byte. */
  readonly output: string;
}

/** More than any command asked for here prints. */
const mostOutput = 1024 * 1024;

/** Whether the account may run commands. One that may do nothing but SFTP begins that instead, and ends it at once with its input. */
export const hasShell = async (connection: SftpConnection, signal: AbortSignal): Promise<boolean> => {
  const mark = newMark();
  const channel = await connection.execute(`echo ${mark}`);
  const { promise, resolve } = Promise.withResolvers<void>();
  let output = '';
  channel.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
    if (output.length > mostOutput) channel.close();
  });
  channel.stderr.resume();
  channel.on('error', () => resolve()).on('close', () => resolve());
  channel.end();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  channel.close();
  return output.includes(mark);
};

export const openShell = async (connection: SftpConnection): Promise<RemoteShell> =>
  new RemoteShell(await connection.execute('exec sh'));

export class RemoteShell {
  readonly #channel: ClientChannel;
  readonly #mark = newMark();
  #output = '';
  #settle: ((answer: Answer | undefined) => void) | undefined;
  #ended = false;

  constructor(channel: ClientChannel) {
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => this.#take(chunk));
    channel.stderr.resume();
    channel.on('error', () => this.#end()).on('close', () => this.#end());
    channel.write('exec 2>/dev/null\n');
  }

  /** Runs one command; one at a time. Throws when the shell has ended, as it does when the signal fires. */
  async run(command: string, signal: AbortSignal): Promise<Answer> {
    if (signal.aborted) this.close();
    if (this.#ended) throw shellEnded();
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    this.#settle = resolve;
    const close = (): void => this.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      this.#channel.write(`${command}\necho "${this.#mark} $?"\n`);
      const answer = await promise;
      if (answer === undefined) throw shellEnded();
      return answer;
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  /** Ends what runs, too. */
  close(): void {
    if (this.#ended) return;
    this.#channel.signal('KILL');
    this.#channel.end();
    this.#channel.close();
    this.#end();
  }

  #take(chunk: Buffer): void {
    this.#output += chunk.toString('latin1');
    const at = this.#output.indexOf(this.#mark);
    const [, status] = /^\S+ (\d+)\n/.exec(at < 0 ? '' : this.#output.slice(at)) ?? [];
    if (status !== undefined) {
      const output = this.#output.slice(0, at);
      this.#output = '';
      this.#settle?.({ status: Number(status), output });
    } else if (this.#output.length > mostOutput) this.close();
  }

  #end(): void {
    this.#ended = true;
    this.#settle?.(undefined);
  }
}

/** A word as every shell like sh takes it for itself, whatever characters it has. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Tells the answer from whatever else is printed, by files that a shell reads when it starts. */
const newMark = (): string => `holdfast-${randomBytes(12).toString('hex')}`;

const shellEnded = (): HoldfastError =>
  new HoldfastError('STORE_UNREACHABLE', 'the shell on the server has ended');
