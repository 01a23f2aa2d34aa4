// Connections to a server. The driver is loaded here, on first use, and met nowhere else: it logs in, and then hands the socket over.
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'mysql2';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import type { Patience } from '../silence.ts';
import type { Content } from '../source.ts';
import { authPlugins } from './auth-plugins.ts';
import type { Loaded } from './load-command.ts';
import type { Done } from './packets.ts';
import { rowsOf, type TextValues } from './query-command.ts';
import { connectError, lostError, ServerError } from './server-error.ts';
import { Session } from './session.ts';
import { sessionSettings } from './session-settings.ts';
import type { ConnectionSettings } from './settings.ts';
import type { TlsAttempt } from './tls.ts';
import { parseVersion, type Version } from './version.ts';

/** One session. Statements run one after the other; each waits for the one before. Errors are the server's, or SOURCE_UNREACHABLE. */
export interface Connection extends AsyncDisposable {
  readonly version: Version;
  /** False once the connection is gone. */
  readonly usable: boolean;
  query<Row>(sql: string): Promise<Row[]>;
  /** The rows of a query of somebody's own, whose columns may share a name: each with its values in their order. */
  queryValues(sql: string): Promise<readonly TextValues[]>;
  /** A statement without rows, as text or as bytes. */
  run(sql: string | Buffer): Promise<Done>;
  /** Texts as the bytes they are stored in, in Latin-1. */
  queryBytes<Row>(sql: string): Promise<Row[]>;
  /** The rows of a SELECT as lines of text; `onRows` gets their number at the end. A reader that stops early closes the connection. */
  rows(sql: string, onRows: (rows: number) => void, patience?: Patience): AsyncGenerator<Uint8Array>;
  /** LOAD DATA LOCAL. */
  load(sql: string, content: () => Content): Promise<Loaded>;
  /** Ends it at once, whatever it is doing. */
  destroy(): void;
}

/** Connects, in the ways that sslMode allows, and sets what makes data read and written the same everywhere. */
export const connect = async (settings: ConnectionSettings, signal: AbortSignal): Promise<Connection> => {
  let failure: unknown;
  for (const tls of settings.tls) {
    throwIfCancelled(signal);
    try {
      return await open(settings, tls, signal);
    } catch (error) {
      throwIfCancelled(signal);
      failure = error;
      if (tls === false || systemCode(error) !== 'HANDSHAKE_NO_SSL_SUPPORT') break;
    }
  }
  throw connectError(failure, settings);
};

const open = async (
  settings: ConnectionSettings,
  tls: TlsAttempt,
  signal: AbortSignal,
): Promise<Connection> => {
  const stream = await logIn(settings, tls, signal);
  const connection = new ServerConnection(new Session(stream), settings, signal);
  try {
    await connection.prepare();
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
};

/** Abilities that would change the packets or the meaning of statements. */
const withoutFlags = [
  'FOUND_ROWS',
  'ODBC',
  'IGNORE_SPACE',
  'SESSION_TRACK',
  'CLIENT_QUERY_ATTRIBUTES',
  'MULTI_RESULTS',
];

/** What this module needs of the driver's inside: the socket, which with TLS is another one than at first. */
interface LoggingIn extends EventEmitter {
  readonly stream: Duplex;
}

const logIn = async (settings: ConnectionSettings, tls: TlsAttempt, signal: AbortSignal): Promise<Duplex> => {
  const { createConnection } = await import('mysql2');
  const password = settings.password();
  const { socket, host, port, database } = settings;
  const options: ConnectionOptions = {
    ...(socket === undefined ? { host, port } : { socketPath: socket }),
    user: settings.user,
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
    ...(tls !== false && { ssl: { ...tls } }),
    charset: 'utf8mb4',
    connectTimeout: settings.connectTimeoutMs,
    enableKeepAlive: true,
    keepAliveInitialDelay: 60_000,
    flags: withoutFlags.map((flag) => `-${flag}`),
    connectAttributes: { program_name: 'holdfast' },
    enableCleartextPlugin: tls !== false && tls.rejectUnauthorized,
    authPlugins: authPlugins(password ?? ''),
  };
  const driver = createConnection(options) as unknown as LoggingIn;
  const cancel = (): void => void driver.stream.destroy(new Error('cancelled'));
  signal.addEventListener('abort', cancel, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      driver.on('connect', () => resolve());
      driver.on('error', reject); // stays, so that nothing the driver says later is thrown
    });
    return driver.stream;
  } catch (error) {
    driver.stream.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};

class ServerConnection implements Connection {
  readonly #session: Session;
  readonly #settings: ConnectionSettings;
  readonly #signal: AbortSignal;
  readonly #cancel = (): void => this.destroy();
  #version: Version = parseVersion('');

  constructor(session: Session, settings: ConnectionSettings, signal: AbortSignal) {
    this.#session = session;
    this.#settings = settings;
    this.#signal = signal;
    signal.addEventListener('abort', this.#cancel, { once: true });
  }

  get version(): Version {
    return this.#version;
  }

  get usable(): boolean {
    return this.#session.usable;
  }

  async prepare(): Promise<void> {
    const [row] = await this.query<{ version: string }>('select version() as version');
    this.#version = parseVersion(row?.version ?? '');
    for (const statement of sessionSettings(this.#version)) await this.run(statement);
  }

  async query<Row>(sql: string): Promise<Row[]> {
    return rowsOf<Row>(await this.#explained(this.#session.query(sql)));
  }

  async queryValues(sql: string): Promise<readonly TextValues[]> {
    const { values } = await this.#explained(this.#session.query(sql));
    return values;
  }

  async queryBytes<Row>(sql: string): Promise<Row[]> {
    return rowsOf<Row>(await this.#explained(this.#session.query(sql, 'latin1')));
  }

  async run(sql: string | Buffer): Promise<Done> {
    const { done } = await this.#explained(this.#session.query(sql));
    return done ?? { affectedRows: 0, warnings: 0, info: '' };
  }

  async *rows(sql: string, onRows: (rows: number) => void, patience?: Patience): AsyncGenerator<Uint8Array> {
    const rows = this.#session.rows(sql, patience);
    try {
      yield* rows;
    } catch (error) {
      throw this.#explain(error);
    }
    onRows(rows.rows);
  }

  async load(sql: string, content: () => Content): Promise<Loaded> {
    return await this.#explained(this.#session.load(sql, content));
  }

  destroy(): void {
    this.#signal.removeEventListener('abort', this.#cancel);
    this.#session.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#cancel);
    await this.#session.quit();
  }

  async #explained<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** The error as this connection's users should see it. */
  #explain(error: unknown): unknown {
    if (this.#signal.aborted)
      return new HoldfastError('CANCELLED', 'cancelled', { cause: this.#signal.reason });
    return error instanceof ServerError ? error : lostError(error, this.#settings.server);
  }
}
