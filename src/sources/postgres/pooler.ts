// A pooler between us and the server may give each transaction, or each statement, another of its sessions. Then what we set
// for ours would reach whoever has that session next, and an application would no longer find its own tables.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Connection } from './connect.ts';
import { isServerError, serverMessage } from './server-error.ts';

type Asking = Pick<Connection, 'query'>;

/** How often is looked: on a busy pooler, chance may give a connection the same session twice. */
const rounds = 8;

/** Throws UNSUPPORTED unless each of two connections through a pooler keeps a session of its own. Neither may have set anything. */
export const assertSessionsLast = async (one: Asking, other: Asking, server: string): Promise<void> => {
  const session = await sessionOf(one);
  for (let round = 0; round < rounds; round += 1) {
    await begin(other, server);
    const theirs = await sessionOf(other);
    const ours = await sessionOf(one);
    await other.query('rollback');
    if (theirs === session || ours !== session) throw shared(server);
  }
};

const sessionOf = async (connection: Asking): Promise<number | undefined> => {
  const [row] = await connection.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  return row?.pid;
};

/** Pooling by statement allows no transactions. */
const begin = async (connection: Asking, server: string): Promise<void> => {
  try {
    await connection.query('begin');
  } catch (error) {
    const said = hasCode(error, 'SOURCE_UNREACHABLE') ? error.cause : error; // the pooler ends the session with it
    if (isServerError(said) && /transaction/i.test(said.message)) throw shared(server, said);
    throw error;
  }
};

const shared = (server: string, cause?: unknown): HoldfastError =>
  new HoldfastError(
    'UNSUPPORTED',
    `the pooler at ${server} does not give each connection a session of its own${cause ? `: ${serverMessage(cause)}` : ''}`,
    { hint: 'connect to PostgreSQL itself, or to a pool of the pooler with pool_mode = session', cause },
  );
