// SFTP requests as promises over a connection that is made when it is needed and made again after it broke.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import type { SftpConfig } from './sftp.ts';
import {
  type ClientChannel,
  openSshConnection,
  type SFTPWrapper,
  type SftpChannel,
  type SshConnection,
} from './ssh-client.ts';

/** How long the server may leave every request unanswered before the connection is given up. */
const silenceLimitMs = 120_000;

/** OpenSSH lets a connection have ten channels unless told otherwise; the others are for commands. */
const mostLines = 8;

type Callback<Result> = (error?: Error | null, result?: Result) => void;

/**
 * One SFTP server at the other end, until the connection breaks; it answers one request after the other. A file's handle is good on the
 * line that gave it only: on another it may be another file's.
 */
export interface SftpLine {
  /** How much the server takes or gives in one request. */
  readonly pieceBytes: number;
  /** Makes one request. Fails with the server's status (see sftp-error.ts), or STORE_UNREACHABLE once the connection has ended. */
  request<Result>(ask: (sftp: SFTPWrapper, answer: Callback<Result>) => void): Promise<Result>;
}

/** What is true of the server as long as this connection holds. */
export interface SftpConnection {
  /** The line that is there as long as the connection. */
  readonly line: SftpLine;
  /** Runs a command on the server, whatever the server makes of it. */
  execute(command: string): Promise<ClientChannel>;
}

export class SftpSession {
  readonly #config: SftpConfig;
  readonly #location: string;
  readonly #log: Log;
  #connection: Promise<OpenConnection> | undefined;

  constructor(config: SftpConfig, location: string, log: Log) {
    this.#config = config;
    this.#location = location;
    this.#log = log;
  }

  /** The connection, made when there is none. */
  connection(): Promise<SftpConnection> {
    return this.#open();
  }

  async line(): Promise<SftpLine> {
    return (await this.#open()).line;
  }

  /** Works on a line that nobody else works on, if it can be had: what takes long to be written to disk is not waited for by others. */
  async work<Result>(work: (line: SftpLine) => Promise<Result>): Promise<Result> {
    const connection = await this.#open();
    return await connection.work(work);
  }

  /** One that is still being made is closed when it is there: the server may leave it open for long. */
  close(): void {
    this.#connection?.then(
      (connection) => connection.close(),
      () => {}, // one that failed needs no closing
    );
    this.#connection = undefined;
  }

  #open(): Promise<OpenConnection> {
    if (this.#connection) return this.#connection;
    const opening = this.#connect(() => {
      if (this.#connection === opening) this.#connection = undefined;
    });
    this.#connection = opening;
    return opening;
  }

  async #connect(forget: () => void): Promise<OpenConnection> {
    try {
      const ssh = await openSshConnection(this.#config, this.#log);
      const first = await ssh.openSftp().catch((error: unknown) => {
        ssh.close();
        throw error;
      });
      return new OpenConnection(ssh, first, this.#location, forget);
    } catch (error) {
      forget();
      throw error;
    }
  }
}

class OpenConnection implements SftpConnection {
  readonly line: Line;
  readonly #ssh: SshConnection;
  readonly #location: string;
  readonly #lines: Line[];
  #mostLines = mostLines;
  #opening = 0;
  /** What fails each request that is not yet answered. */
  readonly #waiting = new Set<(error: Error) => void>();
  #lastAnswerMs = performance.now();
  #end: HoldfastError | undefined;

  constructor(ssh: SshConnection, first: SftpChannel, location: string, onEnd: () => void) {
    this.#ssh = ssh;
    this.#location = location;
    this.line = this.#lineOf(first);
    this.#lines = [this.line];
    const watchdog = setInterval(() => this.#closeWhenSilent(), 10_000).unref();
    void ssh.ended.then((cause) => {
      clearInterval(watchdog);
      onEnd();
      ssh.close();
      this.#end = connectionLost(location, cause);
      for (const fail of this.#waiting) fail(this.#end);
    });
  }

  async work<Result>(work: (line: SftpLine) => Promise<Result>): Promise<Result> {
    const line = await this.#leastBusy();
    try {
      return await work(line);
    } finally {
      line.users -= 1;
    }
  }

  execute(command: string): Promise<ClientChannel> {
    return this.#answered((answer) => this.#ssh.execute(command, answer));
  }

  close(): void {
    this.#ssh.close();
  }

  /** Counts its caller among the users. */
  async #leastBusy(): Promise<Line> {
    let line = this.#lines.find(({ users }) => users === 0);
    if (!line && this.#lines.length + this.#opening < this.#mostLines) line = await this.#openLine();
    line ??= this.#lines.reduce((least, other) => (other.users < least.users ? other : least));
    line.users += 1;
    return line;
  }

  /** A server may allow fewer: then there are no more than by now. */
  async #openLine(): Promise<Line | undefined> {
    this.#opening += 1;
    try {
      const line = this.#lineOf(await this.#ssh.openSftp());
      this.#lines.push(line);
      return line;
    } catch {
      this.#mostLines = this.#lines.length;
      return undefined;
    } finally {
      this.#opening -= 1;
    }
  }

  #lineOf({ sftp, pieceBytes }: SftpChannel): Line {
    return { pieceBytes, users: 0, request: (ask) => this.#answered((answer) => ask(sftp, answer)) };
  }

  #answered<Result>(ask: (answer: Callback<Result>) => void): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      if (this.#waiting.size === 0) this.#lastAnswerMs = performance.now();
      this.#waiting.add(reject);
      const settle = (): void => {
        this.#waiting.delete(reject);
        this.#lastAnswerMs = performance.now();
      };
      try {
        ask((error, result) => {
          settle();
          if (error) reject(this.#reasonOf(error));
          else resolve(result as Result);
        });
      } catch (error) {
        settle();
        reject(error);
      }
    });
  }

  /** ssh2 gives up a channel's requests before it tells that the connection ended; without its channel the connection is of no use. */
  #reasonOf(error: Error): Error {
    if (error.message !== 'No response from server') return error;
    this.close();
    return this.#end ?? connectionLost(this.#location, error);
  }

  #closeWhenSilent(): void {
    if (this.#waiting.size > 0 && performance.now() - this.#lastAnswerMs > silenceLimitMs) this.close();
  }
}

interface Line extends SftpLine {
  /** Who works on it now. */
  users: number;
}

const connectionLost = (location: string, cause: Error | undefined): HoldfastError => {
  const why = cause === undefined ? 'it was closed' : messageOf(cause);
  return new HoldfastError('STORE_UNREACHABLE', `${location}: the connection broke: ${why}`, {
    cause,
    hint: 'check the line and the server; what is stored stays whole, and the next run goes on from it',
  });
};
