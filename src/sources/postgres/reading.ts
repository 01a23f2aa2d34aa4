// Reading one database: the transaction that holds its snapshot, and the connections that read within it.
import { Semaphore } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { severalServers } from '../balancer.ts';
import { createPool } from '../pool.ts';
import { type Patience, Silence } from '../silence.ts';
import { type Connection, connect } from './connect.ts';
import { type QualifiedName, quoteLiteral, quoteName } from './identifiers.ts';
import { endsSession, sqlState, state } from './server-error.ts';
import type { ConnectionSettings } from './settings.ts';

export interface Reading extends AsyncDisposable {
  /** In the transaction that holds the snapshot. */
  query<Row>(sql: string): Promise<Row[]>;
  /** The rows of a COPY within the snapshot; `onRows` gets the server's own count of them at the end. */
  copy(request: CopyRequest): AsyncGenerator<Uint8Array>;
  /** SOURCE_UNREACHABLE when the snapshot is lost. */
  assertHeld(): Promise<void>;
}

export interface CopyRequest {
  readonly sql: string;
  /** The table to lock first. */
  readonly table?: QualifiedName;
  readonly patience?: Patience;
  onRows(rows: number | undefined): void;
}

export interface ReadingOptions {
  readonly settings: ConnectionSettings;
  /** The connection in whose transaction the snapshot was taken; it is closed with the reading. */
  readonly holder: Connection;
  readonly snapshot: string;
  readonly connections: number;
  readonly signal: AbortSignal;
}

export const openReading = ({ settings, holder, snapshot, connections, signal }: ReadingOptions): Reading => {
  const pool = createPool(connections, () => connect(settings, holder.database, signal));
  const holderGate = new Semaphore(1);

  let copying = false;
  const assertHeld = async (): Promise<void> => {
    if (copying && holder.usable) return;
    const late = lateness(answerLimitMs, settings.server);
    try {
      await Promise.race([holderGate.run(() => holder.query('select 1')), late.promise]);
    } finally {
      late.cancel();
    }
  };
  async function* copy(request: CopyRequest): AsyncGenerator<Uint8Array> {
    let mustWait = false;
    try {
      yield* pool.stream(async function* (connection) {
        mustWait = !(await begin(connection, snapshot, request.table));
        if (!mustWait) yield* copyRows(connection, request, 'commit', 'rollback');
      });
    } catch (error) {
      throw await judge(error);
    }
    if (mustWait) yield* copyByHolder(request);
  }
  /** A session that ended while the snapshot is still held was ended by somebody: that is the table's loss, not the backup's. */
  const judge = async (error: unknown): Promise<unknown> => {
    const isLost = hasCode(error, 'SOURCE_UNREACHABLE') && !(error.cause instanceof HoldfastError);
    if (!isLost) return error;
    await assertHeld().catch((lost: unknown) => {
      throw error instanceof Silence ? error : lost; // that says more
    });
    if (lacksSnapshot(error.cause)) return severalServers(settings.server, error); // held, and yet not there
    return sessionEnded(error);
  };
  /** Somebody waits for an exclusive lock on the table, and who comes later waits behind; only the holder's own lock is safe. */
  async function* copyByHolder(request: CopyRequest): AsyncGenerator<Uint8Array> {
    await holderGate.acquire();
    copying = true;
    try {
      await holder.query('savepoint holdfast_copy');
      const end = 'release savepoint holdfast_copy';
      yield* copyRows(holder, request, end, `rollback to savepoint holdfast_copy; ${end}`);
    } finally {
      copying = false;
      holderGate.release();
    }
  }
  return {
    query: (sql) => holderGate.run(() => holder.query(sql)),
    copy,
    assertHeld,
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await holder[Symbol.asyncDispose]();
    },
  };
};

/** A server that is there answers sooner. */
const answerLimitMs = 15_000;

const lateness = (limitMs: number, server: string) => {
  const late = Promise.withResolvers<never>();
  const error = new HoldfastError('SOURCE_UNREACHABLE', `PostgreSQL at ${server} no longer answers`, {
    hint: 'check the server and the network; then run again',
  });
  const timer = setTimeout(() => late.reject(error), limitMs);
  return { promise: late.promise, cancel: () => clearTimeout(timer) };
};

const sessionEnded = (cause: unknown): HoldfastError =>
  cause instanceof Silence
    ? new HoldfastError('ITEM_UNREADABLE', cause.message, { hint: cause.hint, cause })
    : new HoldfastError(
        'ITEM_UNREADABLE',
        'the session that read it was ended by the server or an administrator',
        {
          hint: 'the server’s log says why; run the backup again',
          cause,
        },
      );

/** Joins the snapshot and locks the table; false when the lock cannot be had at once. */
const begin = async (connection: Connection, snapshot: string, table?: QualifiedName): Promise<boolean> => {
  const lock = table ? `; lock table only ${quoteName(table)} in access share mode nowait` : '';
  try {
    await connection.query(
      `begin isolation level repeatable read, read only; set transaction snapshot ${quoteLiteral(snapshot)}${lock}`,
    );
    return true;
  } catch (error) {
    const code = sqlState(error);
    if (code !== undefined && connection.usable) await connection.query('rollback');
    if (code === state.lockNotAvailable) return false;
    if (!lacksSnapshot(error)) throw error;
    throw new HoldfastError('SOURCE_UNREACHABLE', `the snapshot of database ${connection.database} is lost`, {
      hint: 'the session that held it ended: the server’s log says why; then run again',
      cause: error,
    });
  }
};

/** Its file has gone: «invalid snapshot identifier», or, since version 17, «does not exist»; or what is in it is no longer valid. */
const snapshotLost = [
  '22023',
  state.undefinedObject,
  state.objectNotInPrerequisiteState,
] as readonly string[];

const lacksSnapshot = (error: unknown): boolean => snapshotLost.includes(sqlState(error) ?? '');

async function* copyRows(
  connection: Connection,
  { sql, patience, onRows }: CopyRequest,
  whenDone: string,
  whenFailed: string,
): AsyncGenerator<Uint8Array> {
  const rows = connection.copyOut(sql, patience);
  try {
    yield* rows;
  } catch (error) {
    if (connection.usable && sqlState(error) !== undefined && !endsSession(error))
      await connection.query(whenFailed);
    throw connection.explain(error);
  }
  await connection.query(whenDone);
  onRows(rows.rows);
}
