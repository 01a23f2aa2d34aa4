// SFTP requests as promises over a connection that is made when it is needed and made again after it broke.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import type { SftpConfig } from './sftp.ts';
import { openSftpChannel, type SFTPWrapper, type SftpChannel } from './ssh-client.ts';

/** How long the server may leave every request unanswered before the connection is given up. */
const silenceLimitMs = 120_000;

type Callback<Result> = (error?: Error | null, result?: Result) => void;

interface Request {
  fail(error: Error): void;
}

interface Session {
  readonly channel: SftpChannel;
  readonly requests: Set<Request>;
  lastAnswerMs: number;
}

export class SftpSession {
  readonly #config: SftpConfig;
  readonly #location: string;
  readonly #log: Log;
  #session: Promise<Session> | undefined;

  constructor(config: SftpConfig, location: string, log: Log) {
    this.#config = config;
    this.#location = location;
    this.#log = log;
  }

  /** Makes one request. Errors are the server's status (see sftp-error.ts) or STORE_UNREACHABLE when the connection ended. */
  async request<Result>(ask: (sftp: SFTPWrapper, answer: Callback<Result>) => void): Promise<Result> {
    const session = await this.#open();
    return await new Promise<Result>((resolve, reject) => {
      const request: Request = { fail: reject };
      if (session.requests.size === 0) session.lastAnswerMs = Date.now();
      session.requests.add(request);
      const settle = (): void => {
        session.requests.delete(request);
        session.lastAnswerMs = Date.now();
      };
      try {
        ask(session.channel.sftp, (error, result) => {
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

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined); // a connection that failed needs no closing
    session?.channel.close();
    this.#session = undefined;
  }

  #open(): Promise<Session> {
    if (this.#session) return this.#session;
    const opening = this.#connect(() => {
      if (this.#session === opening) this.#session = undefined;
    });
    this.#session = opening;
    return opening;
  }

  async #connect(forget: () => void): Promise<Session> {
    try {
      const channel = await openSftpChannel(this.#config, this.#log);
      const session: Session = { channel, requests: new Set(), lastAnswerMs: Date.now() };
      const watchdog = setInterval(() => this.#endWhenSilent(session), 10_000).unref();
      channel.onEnd((cause) => {
        clearInterval(watchdog);
        forget();
        channel.close();
        const error = this.#lost(cause);
        for (const request of session.requests) request.fail(error);
      });
      return session;
    } catch (error) {
      forget();
      throw error;
    }
  }

  #endWhenSilent(session: Session): void {
    if (session.requests.size > 0 && Date.now() - session.lastAnswerMs > silenceLimitMs)
      session.channel.close();
  }

  #lost(cause: Error | undefined): HoldfastError {
    const why = cause === undefined ? 'the server closed it' : messageOf(cause);
    return new HoldfastError('STORE_UNREACHABLE', `${this.#location}: the connection broke: ${why}`, {
      cause,
      hint: 'check the line and the server; what is stored stays whole, and the next run goes on from it',
    });
  }
}
