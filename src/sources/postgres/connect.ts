// Connections to a server. The driver is loaded here, on first use, and met nowhere else.
import type { Duplex } from 'node:stream';
import type { Client, QueryConfig, Submittable } from 'pg';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError, messageOf } from '#lib/errors.ts';
import { farewellLimitMs, KeepAwake } from '../balancer.ts';
import type { Patience } from '../silence.ts';
import type { Content } from '../source.ts';
import { type CopiedIn, CopyIn } from './copy-in.ts';
import { CopyOut } from './copy-out.ts';
import { LendingSocket } from './lending-socket.ts';
import { assertSessionsLast } from './pooler.ts';
import { connectError, endsSession, isServerError, lostError, sqlState } from './server-error.ts';
import type { ConnectionSettings } from './settings.ts';
import type { TlsAttempt } from './tls.ts';
import type { RunningQuery } from './wire.ts';

/** One session. Statements run one after the other; each waits for the one before. Errors are the server's, or SOURCE_UNREACHABLE. */
export interface Connection extends AsyncDisposable {
  readonly database: string;
  /** 150004 for 15.4. */
  readonly version: number;
  /** False once the connection is gone. */
  readonly usable: boolean;
  query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The rows of a query of somebody's own, whose columns may share a name: each with its values in their order. */
  queryValues(sql: string): Promise<unknown[][]>;
  /** The rows as the server writes them, each an array of texts. */
  queryText(sql: string): Promise<(string | null)[][]>;
  /** Starts a COPY … TO STDOUT; it must be read to its end, or the connection is closed. */
  copyOut(sql: string, patience?: Patience): CopyOut;
  copyIn(sql: string, content: () => Content): Promise<CopiedIn>;
  /** The error as this connection's users should see it. */
  explain(error: unknown): unknown;
  /** Ends it at once, whatever it is doing. */
  destroy(): void;
}

/** Connects, in the ways that sslmode allows, and sets what makes data read and written the same everywhere. */
export const connect = async (
  settings: ConnectionSettings,
  database: string,
  signal: AbortSignal,
): Promise<Connection> => {
  const failures: unknown[] = [];
  for (const tls of attemptsFor(settings)) {
    throwIfCancelled(signal);
    try {
      const connection = await open(settings, database, tls, signal);
      worked.set(settings, tls);
      return connection;
    } catch (error) {
      throwIfCancelled(signal);
      failures.push(error);
      if (!mayTryOtherwise(error, tls)) break;
    }
  }
  const telling = failures.findLast((each) => isServerError(each) || each instanceof HoldfastError);
  const other = failures.findLast((each) => !/does not support SSL/.test(messageOf(each))); // which is why it was tried otherwise
  throw connectError(telling ?? other ?? failures[0], settings, database);
};

/** What the server took before is tried first: a backup connects several times. */
const attemptsFor = (settings: ConnectionSettings): readonly TlsAttempt[] => {
  const known = worked.get(settings);
  return known === undefined ? settings.tls : [known, ...settings.tls.filter((tls) => tls !== known)];
};

const worked = new WeakMap<ConnectionSettings, TlsAttempt>();

/** Without TLS, only the server's access rules may be why; with it, also what TLS itself does not like. */
const mayTryOtherwise = (error: unknown, tls: TlsAttempt): boolean => {
  if (isServerError(error)) return sqlState(error) === '28000';
  return (
    tls !== false && !(error instanceof HoldfastError) && !/ECONNREFUSED|ENOENT|ENOTFOUND/.test(`${error}`)
  );
};

/** Output that does not depend on how server, role or database are set up, and no time limits but our own. */
const sessionSettings = {
  search_path: '',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '3',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
  standard_conforming_strings: 'on',
  // Else an element of an array that is NULL is read as the text 'NULL'.
  array_nulls: 'on',
  check_function_bodies: 'off',
  client_min_messages: 'warning',
  default_transaction_read_only: 'off',
  // An error, rather than the rows that a policy leaves.
  row_security: 'off',
  // Rows come in the order in which they lie.
  synchronize_seqscans: 'off',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  // Of later versions; set where they are known.
  idle_session_timeout: '0',
  transaction_timeout: '0',
};

const open = async (
  settings: ConnectionSettings,
  database: string,
  tls: TlsAttempt,
  signal: AbortSignal,
): Promise<Connection> => {
  const session = await login(settings, database, tls, signal);
  try {
    if (!(await session.prepare())) {
      const known = keeping.get(settings) ?? new Set();
      if (!known.has(database)) {
        await using other = await login(settings, database, tls, signal);
        await assertSessionsLast(session, other, settings.server);
      }
      keeping.set(settings, known.add(database));
      await session.prepare('behind a pooler');
    }
    return session;
  } catch (error) {
    session.destroy();
    throw error;
  }
};

/** The databases for which a pooler was found to keep sessions: how it does may differ between them. */
const keeping = new WeakMap<ConnectionSettings, Set<string>>();

const login = async (
  settings: ConnectionSettings,
  database: string,
  tls: TlsAttempt,
  signal: AbortSignal,
): Promise<Session> => {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    host: settings.host,
    port: settings.port,
    user: settings.user,
    database,
    password: () => passwordOrThrow(settings, database),
    ssl: tls,
    ...(tls === false && { stream: () => new LendingSocket() }),
    options: settings.options,
    application_name: settings.applicationName,
    client_encoding: 'UTF8',
    connectionTimeoutMillis: settings.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 60_000,
  });
  endingWithWhatItCannotRead(client.connection as unknown as DriverConnection);
  const session = new Session(client, settings, database, signal);
  try {
    await client.connect();
    return session;
  } catch (error) {
    session.destroy();
    throw error;
  }
};

/** The driver's own, which begins to read when the connection is made. */
interface DriverConnection {
  attachListeners(stream: Duplex): void;
}

/** The driver throws what it cannot read at nobody, which would end the process: it is the end of the connection. */
const endingWithWhatItCannotRead = (connection: DriverConnection): void => {
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream) => {
    attach(stream);
    const read = stream.listeners('data').at(-1) as (chunk: Buffer) => void;
    stream.off('data', read).on('data', (chunk: Buffer) => {
      try {
        read(chunk);
      } catch (error) {
        stream.destroy(asError(error));
      }
    });
  };
};

const passwordOrThrow = (settings: ConnectionSettings, database: string): string => {
  const password = settings.password(database);
  if (password) return password;
  throw new HoldfastError(
    'SOURCE_DENIED',
    `PostgreSQL at ${settings.server} asks for the password of ${settings.user}, and none is configured`,
    { hint: 'set `password` in the configuration, PGPASSWORD, or a line in ~/.pgpass' },
  );
};

/** What the driver knows and its types do not tell. */
type DriverClient = Client & { readonly processID: number | null; readonly readyForQuery: boolean };

class Session implements Connection {
  readonly database: string;
  readonly #client: Client;
  readonly #settings: ConnectionSettings;
  readonly #signal: AbortSignal;
  readonly #cancel = (): void => this.destroy();
  readonly #awake = new KeepAwake(() => {
    if (this.usable && (this.#client as DriverClient).readyForQuery)
      this.#client.query('select 1').catch(() => {}); // who uses it next will find out
  });
  #version = 0;
  #lost: Error | undefined;

  constructor(client: Client, settings: ConnectionSettings, database: string, signal: AbortSignal) {
    this.#client = client;
    this.#settings = settings;
    this.database = database;
    this.#signal = signal;
    client.on('error', (error) => {
      this.#lost ??= error;
    });
    client.on('end', () => {
      this.#lost ??= new Error('it was closed');
      this.#awake.stop();
    });
    signal.addEventListener('abort', this.#cancel, { once: true });
  }

  get version(): number {
    return this.#version;
  }

  get usable(): boolean {
    return this.#lost === undefined && !this.#client.connection.stream.destroyed;
  }

  /** Sets all that is to be set; nothing, and false, when it is a pooler's session rather than the one that was logged in to. */
  async prepare(how?: 'behind a pooler'): Promise<boolean> {
    const names = Object.entries(sessionSettings).map(([name, value]) => `('${name}', '${value}')`);
    const isOurs = how ? 'true' : `pg_catalog.pg_backend_pid() = ${this.#processId}`;
    const [row] = await this.query<{ version: number; ours: boolean }>(
      `select current_setting('server_version_num')::int as version, ${isOurs} as ours,
        (select count(set_config(s.name, s.value, false)) from (values ${names.join(', ')}) as s (name, value)
          where ${isOurs} and exists (select from pg_catalog.pg_settings p where lower(p.name) = lower(s.name)))`,
    );
    this.#version = row?.version ?? 0;
    return row?.ours ?? false;
  }

  /** As the login was answered; the driver keeps it to cancel by. */
  get #processId(): number {
    return Number((this.#client as DriverClient).processID);
  }

  async query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]> {
    this.#awake.spoken();
    try {
      const result = await this.#client.query(sql, values && [...values]);
      return (Array.isArray(result) ? [] : result.rows) as Row[];
    } catch (error) {
      throw this.explain(error);
    }
  }

  async queryValues(sql: string): Promise<unknown[][]> {
    return await this.#queryArrays({ text: sql });
  }

  async queryText(sql: string): Promise<(string | null)[][]> {
    const types = { getTypeParser: () => (text: string) => text };
    return await this.#queryArrays({ text: sql, types });
  }

  async #queryArrays<Value>(query: QueryConfig): Promise<Value[][]> {
    this.#awake.spoken();
    try {
      const result = await this.#client.query({ ...query, rowMode: 'array' });
      return (Array.isArray(result) ? [] : result.rows) as Value[][];
    } catch (error) {
      throw this.explain(error);
    }
  }

  copyOut(sql: string, patience?: Patience): CopyOut {
    const copy = new CopyOut(sql, patience);
    this.#start(copy);
    return copy;
  }

  async copyIn(sql: string, content: () => Content): Promise<CopiedIn> {
    const copy = new CopyIn(sql, content);
    this.#start(copy);
    try {
      return await copy.outcome;
    } catch (error) {
      if (error === copy.contentError) throw error;
      // The server's word for a client that it no longer hears.
      throw sqlState(error)?.startsWith('08') ? this.#lostBy(error) : this.explain(error);
    }
  }

  explain(error: unknown): unknown {
    if (this.#signal.aborted)
      return new HoldfastError('CANCELLED', 'cancelled', { cause: this.#signal.reason });
    return isServerError(error) && !endsSession(error) ? error : this.#lostBy(error);
  }

  /** From now on it is not usable, even if its end is still to come. The driver's own words say less than what the server said before. */
  #lostBy(error: unknown): HoldfastError {
    this.#lost ??= asError(error);
    return lostError(this.#lost, this.#settings.server);
  }

  destroy(): void {
    this.#lost ??= new Error('it was closed');
    this.#awake.stop();
    this.#signal.removeEventListener('abort', this.#cancel);
    this.#client.connection.stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.usable) {
      this.destroy();
      return;
    }
    this.#awake.stop();
    this.#signal.removeEventListener('abort', this.#cancel);
    const late = setTimeout(() => this.destroy(), farewellLimitMs);
    try {
      await this.#client.end();
    } finally {
      clearTimeout(late);
    }
  }

  #start(query: RunningQuery): void {
    this.#awake.spoken();
    this.#client.query(query as unknown as Submittable);
  }
}
