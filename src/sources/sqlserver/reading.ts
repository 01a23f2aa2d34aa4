// Reading one database: on one connection, because no other could see the same snapshot.
import { Semaphore } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Patience } from '../silence.ts';
import type { SqlServerConfig } from './config.ts';
import type { Connection } from './connect.ts';
import type { Contents } from './model.ts';
import { errorNumber, number, serverMessage } from './server-error.ts';
import type { WireValue } from './value-codec.ts';

export type Isolation = 'snapshot' | 'table lock' | 'read committed snapshot' | 'read committed';

/** How a database will be read. Where a snapshot is asked for, the server itself says whether it can be had. */
export const isolationOf = (
  { isolation }: Pick<SqlServerConfig, 'isolation'>,
  {
    database,
  }: { readonly database: Pick<Contents['database'], 'snapshotIsolation' | 'readCommittedSnapshot'> },
): Isolation => {
  if (isolation === 'lock') return 'table lock';
  if (isolation === 'snapshot' || database.snapshotIsolation) return 'snapshot';
  return database.readCommittedSnapshot ? 'read committed snapshot' : 'read committed';
};

export const allowSnapshotHint = (database: string): string =>
  `allow it: ALTER DATABASE [${database.replaceAll(']', ']]')}] SET ALLOW_SNAPSHOT_ISOLATION ON`;

export interface Reading extends AsyncDisposable {
  readonly isolation: Isolation;
  /** How many snapshots were taken: more than one when the server ended a transaction because a table was changed. */
  snapshots(): number;
  query<Row>(sql: string): Promise<Row[]>;
  /** Waits until nobody else reads. */
  rows(sql: string, patience?: Patience): AsyncGenerator<readonly (readonly WireValue[])[]>;
}

/**
 * Takes the snapshot, where there is one. Tables in memory are in no snapshot with others: those are read as they are, on another
 * connection. Both are closed with the reading.
 */
export const openReading = async (
  connection: Connection,
  isolation: Isolation,
  another: () => Promise<Connection>,
): Promise<Reading> => {
  const gate = new Semaphore(1);
  let apart: Connection | undefined;
  const elsewhere = async (): Promise<Connection> => (apart ??= await another());
  let snapshots = 0;
  const begin = async (): Promise<void> => {
    if (isolation !== 'snapshot') return;
    await connection.run('SET TRANSACTION ISOLATION LEVEL SNAPSHOT', 'BEGIN TRANSACTION');
    // The snapshot is taken when data is first read.
    await connection.query('select count(*) as tables from sys.tables');
    snapshots += 1;
  };
  /** Some errors end the transaction, and what is read after that would be outside of any. */
  const beginAnew = async (): Promise<void> => {
    if (isolation !== 'snapshot' || !connection.usable) return;
    const [row] = await connection.query<{ open: number }>('select @@trancount as [open]');
    if (Number(row?.open ?? 0) === 0) await begin();
  };
  try {
    await begin();
  } catch (error) {
    throw errorNumber(error) === number.snapshotNotAllowed ? notAllowed(connection.database, error) : error;
  }
  return {
    isolation,
    snapshots: () => snapshots,
    query: (sql) =>
      gate.run(async () => {
        try {
          return await connection.query(sql);
        } catch (error) {
          if (errorNumber(error) !== number.inMemory) throw error;
          await beginAnew();
          return await (await elsewhere()).query(sql);
        }
      }),
    async *rows(sql, patience) {
      await gate.acquire();
      try {
        yield* connection.rows(sql, patience);
      } catch (error) {
        if (errorNumber(error) === number.snapshotNotAllowed) throw notAllowed(connection.database, error);
        if (errorNumber(error) !== undefined) await beginAnew();
        if (errorNumber(error) !== number.inMemory) throw error;
        yield* (await elsewhere()).rows(sql, patience);
      } finally {
        gate.release();
      }
    },
    async [Symbol.asyncDispose]() {
      await apart?.[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
};

const notAllowed = (database: string, cause: unknown): HoldfastError =>
  new HoldfastError('SOURCE_DENIED', `database ${database}: ${serverMessage(cause)}`, {
    hint: allowSnapshotHint(database),
    cause,
  });
