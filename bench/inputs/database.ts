// A PostgreSQL server of the benchmark's own with one table of orders in it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../../test/servers/postgres.ts';
import type { Database } from '../tools/tool.ts';
import { writeBytes } from './files.ts';
import { ordersTable, wholeOrders } from './orders.ts';

const database = 'shop';

/** Starts it and loads so many bytes of COPY text; `folder` holds them meanwhile. */
export const ordersServer = async (folder: string, sizeBytes: number): Promise<PostgresServer> => {
  await using unlessLoaded = new AsyncDisposableStack();
  const server = unlessLoaded.use(
    await startPostgres({ settings: { shared_buffers: '256MB', max_wal_size: '4GB' } }),
  );
  const file = writeBytes(join(folder, 'orders.copy'), wholeOrders('orders', sizeBytes));
  await server.psql('postgres', `CREATE DATABASE ${database}`);
  await server.psql(
    database,
    `${ordersTable};\n\\copy orders from '${file}'\nCREATE INDEX ON orders (customer_id);`,
  );
  rmSync(file);
  await server.psql('postgres', 'CHECKPOINT');
  await server.psql(database, 'VACUUM (ANALYZE) orders');
  unlessLoaded.move();
  return server;
};

/** Changes so many of a hundred rows, spread over the whole table, the same ones each time. */
export const changeOrders = async (server: PostgresServer, percent: number): Promise<void> => {
  await server.psql(
    database,
    `SELECT setseed(0.5);
     UPDATE orders SET status = 'returned', updated_at = updated_at + interval '1 day' WHERE random() < ${percent / 100};
     SELECT count(*) FROM orders;`, // the first to read new rows writes hint bits: that shall be nobody's backup
  );
};

/** One of the server's, which need not be there yet. */
export const databaseOf = (
  { user, host, port, password }: PostgresServer,
  name: string = database,
): Database => ({
  name,
  url: `postgres://${user}@${host}:${port}/${name}`,
  dump: 'pg_dump "$DATABASE"',
  load: 'psql -qX -v ON_ERROR_STOP=1 -o /dev/null "$DATABASE"',
  env: { PGPASSWORD: password },
});
