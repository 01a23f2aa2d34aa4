// A MariaDB server on the same machine, end to end: it shares the cores with whoever reads it. The peers read mariadb-dump.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type MysqlServer, startMariadb } from '../../test/servers/mariadb.ts';
import { program, skipWithout } from '../../test/servers/programs.ts';
import { compareDatabases } from '../databases.ts';
import { writeBytes } from '../inputs/files.ts';
import { wholeOrders } from '../inputs/orders.ts';
import type { Scenario } from '../scenario.ts';
import type { Database } from '../tools/tool.ts';

const sizes = { quick: 100, full: 400 } as const;
const database = 'shop';
const copy = 'shop_copy';

export const mysql: Scenario = {
  name: 'mysql',
  skip: () => skipWithout('mariadb'),
  async *run(bench) {
    const size = sizes[bench.scale];
    await using server = await ordersServer(bench.folder, size * 1024 * 1024);
    yield* compareDatabases(bench, {
      title: `MariaDB, table of ${size} MiB`,
      items: 'rows',
      database: databaseOf(server, database),
      copy: databaseOf(server, copy),
      change: () =>
        server.sql(
          `update orders set status = 'returned', updated_at = updated_at + interval 1 day where rand(5) < 0.01`,
          database,
        ),
      clearCopy: () => server.sql(`drop database if exists ${copy}; create database ${copy}`),
      describe: ({ name }) => server.sql('select count(*), sum(tax), sum(crc32(note)) from orders', name),
      targets: { restore: { of: 'wall', atLeast: 1.3 } },
    });
  },
};

const databaseOf = ({ user, host, port, password }: MysqlServer, name: string): Database => ({
  name,
  url: `mariadb://${user}@${host}:${port}/${name}`,
  dump: `"$DUMP" $SERVER --single-transaction --quick ${name}`,
  load: `"$CLIENT" $SERVER ${name}`,
  env: {
    MYSQL_PWD: password,
    DUMP: program('mariadb-dump'),
    CLIENT: program('mariadb'),
    SERVER: `--no-defaults --host=${host} --port=${port} --user=${user}`,
  },
});

/** Starts it and loads so many bytes of rows; `folder` holds them meanwhile. */
const ordersServer = async (folder: string, sizeBytes: number): Promise<MysqlServer> => {
  await using unlessLoaded = new AsyncDisposableStack();
  const server = unlessLoaded.use(
    await startMariadb({
      settings: [
        'innodb-buffer-pool-size=512M',
        'innodb-log-file-size=256M',
        'innodb-flush-log-at-trx-commit=1',
      ],
    }),
  );
  const file = writeBytes(join(folder, 'orders.tsv'), rows(sizeBytes));
  await server.sql(`create database ${database} character set utf8mb4`);
  const load = `set unique_checks = 0, foreign_key_checks = 0; load data local infile '${file}' into table orders character set binary`;
  await server.client(['--local-infile', database], `${ordersTable}; ${load}`);
  rmSync(file);
  unlessLoaded.move();
  return server;
};

/** MariaDB's times have no zone. */
function* rows(sizeBytes: number): Generator<Buffer> {
  for (const chunk of wholeOrders('orders', sizeBytes))
    yield Buffer.from(chunk.toString('utf8').replaceAll('+00\t', '\t'));
}

const ordersTable = `create table orders (
  id bigint primary key, reference char(36) not null, customer_id int not null, created_at datetime(3) not null,
  updated_at datetime(3) not null, email varchar(200) not null, full_name varchar(200) not null, address varchar(255) not null,
  status varchar(20) not null, currency char(3) not null, net decimal(10,2) not null, tax decimal(10,2) not null,
  client_address varchar(40) not null, payment_token varchar(64), note text, key (customer_id))`;
