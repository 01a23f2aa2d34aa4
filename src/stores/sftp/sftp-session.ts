// SFTP requests as promises over a connection that is made when it is needed and made again after it broke.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import type { SftpConfig } from './sftp.ts';
import { openSftpChannel, type SFTPWrapper, type SftpChannel } from './ssh-client.ts';

/** How long the server may leave every request unanswered before the connection is given up. */
const silenceLimitMs = 120_000;

type Callback<Result> = (error?: Error | null, result?: Result) => void;

/** One connection, until it breaks. A file's handle is good on the connection that gave it only: on the next it may be another file's. */
export interface SftpLine {
  /** How much the server takes or gives in one request. */
  readonly pieceBytes: number;
  /** Makes one request. Fails with the server's status (see sftp-error.ts), or STORE_UNREACHABLE once the connection has ended. */
  request<Result>(ask: (sftp: SFTPWrapper, answer: Callback<Result>) => void): Promise<Result>;
}

export class SftpSession {
  readonly #config: SftpConfig;
  readonly #location: string;
  readonly #log: Log;
  #line: Promise<OpenLine> | undefined;

  constructor(config: SftpConfig, location: string, log: Log) {
    this.#config = config;
    this.#location = location;
    this.#log = log;
  }

  /** The connection, made when there is none. */
  line(): Promise<SftpLine> {
    if (this.#line) return this.#line;
    const opening = this.#connect(() => {
      if (this.#line === opening) this.#line = undefined;
    });
    this.#line = opening;
    return opening;
  }

  async close(): Promise<void> {
    const line = await this.#line?.catch(() => undefined); // a connection that failed needs no closing
    this.#line = undefined;
    line?.close();
  }

  async #connect(forget: () => void): Promise<OpenLine> {
    try {
      return new OpenLine(await openSftpChannel(this.#config, this.#log), this.#location, forget);
    } catch (error) {
      forget();
      throw error;
    }
  }
}

class OpenLine implements SftpLine {
  readonly pieceBytes: number;
  readonly #channel: SftpChannel;
  /** What fails each request that is not yet answered. */
  readonly #waiting = new Set<(error: Error) => void>();
  #lastAnswerMs = Date.now();
  #end: HoldfastError | undefined;

  constructor(channel: SftpChannel, location: string, onEnd: () => void) {
    this.#channel = channel;
    this.pieceBytes = channel.pieceBytes;
    const watchdog = setInterval(() => this.#closeWhenSilent(), 10_000).unref();
    channel.onEnd((cause) => {
      clearInterval(watchdog);
      onEnd();
      channel.close();
      this.#end = connectionLost(location, cause);
      for (const fail of this.#waiting) fail(this.#end);
    });
  }

  request<Result>(ask: (sftp: SFTPWrapper, answer: Callback<Result>) => void): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      if (this.#waiting.size === 0) this.#lastAnswerMs = Date.now();
      this.#waiting.add(reject);
      const settle = (): void => {
        this.#waiting.delete(reject);
        this.#lastAnswerMs = Date.now();
      };
      try {
        ask(this.#channel.sftp, (error, result) => {
          settle();
          if (error) reject(error);
          else resolve(result as Result);
        });
      } catch (error) {
        settle();
        reject(error);
      }
    });
  }

  close(): void {
    this.#channel.close();
  }

  #closeWhenSilent(): void {
    if (this.#waiting.size > 0 && Date.now() - this.#lastAnswerMs > silenceLimitMs) this.close();
  }
}

const connectionLost = (location: string, cause: Error | undefined): HoldfastError => {
  const why = cause === undefined ? 'it was closed' : messageOf(cause);
  return new HoldfastError('STORE_UNREACHABLE', `${location}: the connection broke: ${why}`, {
    cause,
    hint: 'check the line and the server; what is stored stays whole, and the next run goes on from it',
  });
};
