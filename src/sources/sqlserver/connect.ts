// Connections to a server. The driver is loaded here, on first use, and met nowhere else.
import type { Connection as Client, ConnectionConfiguration, ConnectionOptions, Request } from 'tedious';
import { throwIfCancelled } from '#lib/clock.ts';
import { expandHome } from '#lib/home.ts';
import { readSettingsFile } from '../settings-file.ts';
import { type Patience, watchForSilence } from '../silence.ts';
import type { ConnectionSettings } from './config.ts';
import { RowBatches } from './row-batches.ts';
import { connectError, type LoginMessage, lostError, serverErrorOf } from './server-error.ts';
import type { WireValue } from './value-codec.ts';

/** A column to load in bulk; both kinds have no limit of length. */
export interface BulkColumn {
  readonly name: string;
  readonly as: 'text' | 'bytes';
}

/** One session; one statement at a time. Errors are the server's, CANCELLED, or SOURCE_UNREACHABLE. */
export interface Connection extends AsyncDisposable {
  /** The database it was opened for; undefined for the login's own. */
  readonly database: string;
  /** False once the connection is gone. */
  readonly usable: boolean;
  query<Row>(sql: string): Promise<Row[]>;
  /** The rows of a query of somebody's own, whose columns may share a name: each with its values in their order. */
  queryValues(sql: string): Promise<unknown[][]>;
  /** Runs each batch; what they answer is left. */
  run(...batches: readonly string[]): Promise<void>;
  /** The rows of a statement, some at a time, read no faster than they are taken. */
  rows(sql: string, patience?: Patience): AsyncGenerator<readonly (readonly WireValue[])[]>;
  bulkLoad(
    table: string,
    columns: readonly BulkColumn[],
    rows: Iterable<readonly (string | Buffer | null)[]>,
  ): Promise<number>;
  /** Ends it at once, whatever it is doing. */
  destroy(): void;
}

type Driver = typeof import('tedious');

export const connect = async (
  settings: ConnectionSettings,
  database: string | undefined,
  signal: AbortSignal,
): Promise<Connection> => {
  throwIfCancelled(signal);
  const driver = await import('tedious');
  const client = new driver.Connection(configurationOf(settings, database));
  const messages: LoginMessage[] = [];
  const note = (message: LoginMessage): void => void messages.push(message);
  client.on('errorMessage', note);
  const session = new Session({ driver, client, settings, database: database ?? '', signal });
  try {
    await new Promise<void>((resolve, reject) => {
      client.connect((error) => (error ? reject(error) : resolve()));
    });
    client.off('errorMessage', note);
    await session.run(`SET LOCK_TIMEOUT ${settings.lockTimeoutMs}`);
    return session;
  } catch (error) {
    session.destroy();
    throwIfCancelled(signal);
    throw connectError(error, messages, settings, database);
  }
};

const configurationOf = (
  settings: ConnectionSettings,
  database: string | undefined,
): ConnectionConfiguration => {
  const { host, port, instance, user, domain, encrypt, certificateAuthority, certificateHost } = settings;
  const login = { userName: user, password: settings.password() };
  const options: ConnectionOptions = {
    ...(database !== undefined && { database }),
    ...(port !== undefined && { port }),
    ...(instance !== undefined && { instanceName: instance }),
    encrypt: encrypt === 'strict' ? 'strict' : encrypt === 'on',
    trustServerCertificate: settings.trustServerCertificate,
    ...(certificateHost !== undefined && { serverName: certificateHost }),
    ...(certificateAuthority !== undefined && {
      cryptoCredentialsDetails: {
        ca: readSettingsFile(expandHome(certificateAuthority), 'certificateAuthority'),
      },
    }),
    readOnlyIntent: settings.readOnlyIntent,
    multiSubnetFailover: settings.multiSubnetFailover,
    appName: 'holdfast',
    connectTimeout: settings.connectTimeoutMs,
    requestTimeout: 0, // cancelling is what ends a request
    packetSize: 16_384,
    useColumnNames: false,
    useUTC: true,
  };
  return {
    server: host,
    options,
    authentication: domain
      ? { type: 'ntlm', options: { ...login, domain } }
      : { type: 'default', options: login },
  };
};

interface SessionParts {
  readonly driver: Driver;
  readonly client: Client;
  readonly settings: ConnectionSettings;
  readonly database: string;
  readonly signal: AbortSignal;
}

interface DriverCell {
  readonly value: WireValue;
  readonly metadata: { readonly colName: string };
}

class Session implements Connection {
  readonly database: string;
  readonly #driver: Driver;
  readonly #client: Client;
  readonly #settings: ConnectionSettings;
  readonly #signal: AbortSignal;
  readonly #cancel = (): void => this.destroy();
  #lost: Error | undefined;

  constructor({ driver, client, settings, database, signal }: SessionParts) {
    this.#driver = driver;
    this.#client = client;
    this.#settings = settings;
    this.database = database;
    this.#signal = signal;
    client.on('error', (error) => {
      this.#lost ??= error;
    });
    client.on('end', () => {
      this.#lost ??= new Error('it was closed');
    });
    signal.addEventListener('abort', this.#cancel, { once: true });
  }

  get usable(): boolean {
    return this.#lost === undefined;
  }

  async query<Row>(sql: string): Promise<Row[]> {
    const rows: Row[] = [];
    await this.#request(sql, (cells) => {
      rows.push(Object.fromEntries(cells.map(({ metadata, value }) => [metadata.colName, value])) as Row);
    });
    return rows;
  }

  async queryValues(sql: string): Promise<unknown[][]> {
    const rows: unknown[][] = [];
    await this.#request(sql, (cells) => void rows.push(cells.map(({ value }) => value)));
    return rows;
  }

  async run(...batches: readonly string[]): Promise<void> {
    for (const batch of batches) await this.#request(batch, () => {});
  }

  async *rows(sql: string, patience?: Patience): AsyncGenerator<readonly (readonly WireValue[])[]> {
    const batches = new RowBatches();
    const end = (): void => batches.end();
    const outcome = this.#request(sql, (cells, request) =>
      batches.add(
        cells.map(({ value }) => value),
        request,
      ),
    );
    outcome.then(end, end);
    const endWatch =
      patience &&
      watchForSilence(patience, {
        bytes: () => this.#client.socket?.bytesRead ?? 0,
        isDue: () => batches.isDue,
        giveUp: (error) => {
          this.#lost ??= error;
          this.destroy();
        },
      });
    try {
      yield* batches;
      await outcome;
    } finally {
      endWatch?.();
      if (!batches.hasEnded) await this.#stop(outcome);
    }
  }

  async bulkLoad(
    table: string,
    columns: readonly BulkColumn[],
    rows: Iterable<readonly (string | Buffer | null)[]>,
  ): Promise<number> {
    this.#assertUsable();
    const { TYPES } = this.#driver;
    try {
      return await new Promise<number>((resolve, reject) => {
        const load = this.#client.newBulkLoad(table, { keepNulls: true }, (error, count = 0) =>
          error ? reject(error) : resolve(count),
        );
        for (const { name, as } of columns)
          load.addColumn(name, as === 'text' ? TYPES.NVarChar : TYPES.VarBinary, {
            nullable: true,
            length: Number.POSITIVE_INFINITY,
          });
        this.#client.execBulkLoad(load, rows as Iterable<unknown[]>);
      });
    } catch (error) {
      throw this.#explain(error);
    }
  }

  destroy(): void {
    this.#lost ??= new Error('it was closed');
    this.#signal.removeEventListener('abort', this.#cancel);
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.usable) return;
    const closed = new Promise<void>((resolve) => this.#client.once('end', resolve));
    this.destroy();
    await closed;
  }

  /** Resolves when all rows were handed to `onRow`. */
  async #request(
    sql: string,
    onRow: (cells: readonly DriverCell[], request: Request) => void,
  ): Promise<void> {
    this.#assertUsable();
    try {
      await new Promise<void>((resolve, reject) => {
        const request = new this.#driver.Request(sql, (error) => (error ? reject(error) : resolve()));
        request.on('row', (cells) => onRow(cells as unknown as DriverCell[], request));
        this.#client.execSqlBatch(request);
      });
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Asks the server to stop; a server that does not is left. */
  async #stop(outcome: Promise<void>): Promise<void> {
    if (!this.usable) return;
    this.#client.cancel();
    const late = setTimeout(() => this.destroy(), stopLimitMs);
    await outcome.catch(() => {}); // it ends as cancelled
    clearTimeout(late);
  }

  #assertUsable(): void {
    throwIfCancelled(this.#signal);
    if (this.#lost) throw lostError(this.#lost, this.#settings.server);
  }

  #explain(error: unknown): unknown {
    throwIfCancelled(this.#signal);
    return serverErrorOf(error) ?? lostError(this.#lost ?? error, this.#settings.server);
  }
}

const stopLimitMs = 10_000;
