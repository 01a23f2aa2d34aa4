// The rows of a user's own query, by the names of their columns.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { namedDatabase } from '../only-database.ts';
import type { QueryRow, QuerySince, QueryView } from '../query-reader.ts';
import type { RowView } from '../source.ts';
import { type Connection, connect } from './connect.ts';
import { connectAnywhere, type DumpRequest } from './dump.ts';
import { quoteIdentifier } from './identifiers.ts';
import { isServerError, sqlState } from './server-error.ts';

/** Read only, in one snapshot whose horizon tells which transactions it cannot see yet. */
export const openQuery = async (request: Omit<DumpRequest, 'onClose'>, text: string): Promise<QueryView> => {
  const connection = await connectToOne(request, 'a query');
  try {
    await connection.query('reset search_path'); // as the database's own users write their queries
    return {
      horizon: await beginSnapshot(connection),
      rows: (since) => readRows(connection, text, since),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  } catch (error) {
    connection.destroy();
    throw error;
  }
};

/** A session in the one database that the source names; `work` begins the message where it names several. */
export const connectToOne = async (
  { config, settings, context }: Omit<DumpRequest, 'onClose'>,
  work: string,
): Promise<Connection> => {
  const database = namedDatabase(config, settings, work);
  return database === undefined
    ? await connectAnywhere(settings, context.signal)
    : await connect(settings, database, context.signal);
};

/** Begins to read one state of the database; what is returned tells which transactions it cannot see yet. */
export const beginSnapshot = async (connection: Connection): Promise<NonNullable<RowView['horizon']>> => {
  await connection.query('begin isolation level repeatable read, read only');
  const [row] = await connection.query<{ oldest: string; next: string }>(
    `select pg_catalog.txid_snapshot_xmin(s)::text as oldest, pg_catalog.txid_snapshot_xmax(s)::text as next
      from pg_catalog.txid_current_snapshot() s`,
  );
  if (!row) throw new HoldfastError('FAILED', 'the server has no snapshot');
  return { oldest: BigInt(row.oldest), next: BigInt(row.next) };
};

const batchRows = 500;

/** What no clock shows, in a column of texts, cannot be compared with a position: all rows are read then, as without one. */
async function* readRows(
  connection: Connection,
  text: string,
  since: QuerySince | undefined,
): AsyncGenerator<QueryRow[]> {
  if (since === undefined) return yield* fetchRows(connection, text, undefined);
  await connection.query('savepoint holdfast_since');
  try {
    yield* fetchRows(connection, text, since);
  } catch (error) {
    if (!isNoTime(error)) throw error;
    await connection.query('rollback to savepoint holdfast_since');
    yield* fetchRows(connection, text, undefined);
  }
}

/** '2026-99-99' or 'yesterday', as PostgreSQL tells of them. */
const isNoTime = (error: unknown): boolean =>
  error instanceof HoldfastError && ['22007', '22008'].includes(sqlState(error.cause) ?? '');

async function* fetchRows(
  connection: Connection,
  text: string,
  since: QuerySince | undefined,
): AsyncGenerator<QueryRow[]> {
  await told(() => declare(connection, text, since));
  try {
    for (;;) {
      const rows = await told(() => connection.queryText(`fetch ${batchRows} from holdfast_rows`));
      if (rows.length > 0) yield rows.map(([json]) => JSON.parse(json ?? '{}') as QueryRow);
      if (rows.length < batchRows) return;
    }
  } finally {
    if (connection.usable) await connection.query('close holdfast_rows').catch(() => {}); // what failed has closed it
  }
}

/** A semicolon or a comment at the end of the query would reach beyond it. */
const declare = async (
  connection: Connection,
  text: string,
  since: QuerySince | undefined,
): Promise<void> => {
  const query = `select pg_catalog.row_to_json(q)::text from (\n${text.replace(/[;\s]+$/, '')}\n) q`;
  const column = since && `q.${quoteIdentifier(since.column)}`;
  const where = since
    ? ` where ${column} is null or ${column}::timestamp >= $1::text::timestamp - $2::text::interval`
    : '';
  const values = since ? [since.position, `${since.overlapSeconds} seconds`] : [];
  await connection.query(`declare holdfast_rows no scroll cursor for ${query}${where}`, values);
};

const told = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (cause) {
    if (!isServerError(cause)) throw cause;
    throw new HoldfastError('SOURCE_DENIED', `the query is refused: ${messageOf(cause)}`, {
      cause,
      hint: 'try it with psql, as the user of the source',
    });
  }
};
