// A MariaDB server on the same machine, end to end: it shares the cores with whoever reads it. The peers read mariadb-dump.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type MysqlServer, startMariadb } from '../../test/servers/mariadb.ts';
import { program, skipWithout } from '../../test/servers/programs.ts';
import { type Contender, compare } from '../comparison.ts';
import { writeBytes } from '../inputs/files.ts';
import { wholeOrders } from '../inputs/orders.ts';
import type { Command } from '../measure.ts';
import { freshRepository, keepState, restoreState, storedBytes } from '../repositories.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { holdfastCommand } from '../tools/holdfast.ts';
import type { Tool } from '../tools/tool.ts';

const sizes = { quick: 100, full: 400 } as const;
const database = 'shop';
const copy = 'shop_copy';

export const mysql: Scenario = {
  name: 'mysql',
  skip: () => skipWithout('mariadb'),
  async *run(bench) {
    const { rounds, scale, folder } = bench;
    await using server = await ordersServer(folder, sizes[scale] * 1024 * 1024);
    const tools = bench.tools.filter(({ name }) => /^(holdfast|restic)/.test(name));
    const each = (make: (tool: Tool, repository: string) => Contender): Contender[] =>
      tools.map((tool) => make(tool, repositoryOf(bench, tool)));
    const title = (doing: string): string => `MariaDB, table of ${sizes[scale]} MiB, ${doing}`;
    yield await compare({
      title: title('first backup'),
      target: { of: 'wall', atLeast: 1.15 },
      rounds,
      contenders: each((tool, repository) => ({
        name: tool.name,
        prepare: () => freshRepository(tool, repository),
        command: backup(tool, repository, server),
        stored: () => storedBytes(repository),
      })),
    });
    for (const tool of tools) keepState(repositoryOf(bench, tool));
    await server.sql(
      `update orders set status = 'returned', updated_at = updated_at + interval 1 day where rand(5) < 0.01`,
      database,
    );
    yield await compare({
      title: title('1 % of its rows changed'),
      rounds,
      contenders: each((tool, repository) => {
        const before = storedBytes(repository);
        return {
          name: tool.name,
          prepare: () => restoreState(repository),
          command: backup(tool, repository, server),
          stored: () => storedBytes(repository) - before,
        };
      }),
    });
    yield await compare({
      title: title('restore'),
      target: { of: 'wall', atLeast: 1.3 },
      rounds,
      contenders: each((tool, repository) => ({
        name: tool.name,
        prepare: async () => {
          await server.sql(`drop database if exists ${copy}; create database ${copy}`);
        },
        command: restore(tool, repository, server),
        check: () => requireSameRows(server, tool),
      })),
    });
  },
};

/** Starts it and loads so many bytes of rows; `folder` holds them meanwhile. */
const ordersServer = async (folder: string, sizeBytes: number): Promise<MysqlServer> => {
  const server = await startMariadb({
    settings: [
      'innodb-buffer-pool-size=512M',
      'innodb-log-file-size=256M',
      'innodb-flush-log-at-trx-commit=1',
    ],
  });
  const file = writeBytes(join(folder, 'orders.tsv'), rows(sizeBytes));
  await server.sql(`create database ${database} character set utf8mb4`);
  const load = `set unique_checks = 0, foreign_key_checks = 0; load data local infile '${file}' into table orders character set binary`;
  await server.client(['--local-infile', database], `${ordersTable}; ${load}`);
  rmSync(file);
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

const backup = (tool: Tool, repository: string, server: MysqlServer): Command =>
  isHoldfast(tool)
    ? holdfastCommand('backup "$DATABASE"', repository, placeOf(server, database))
    : piped(
        tool,
        repository,
        server,
        `"$DUMP" $SERVER --single-transaction --quick ${database} | "$RESTIC" --no-cache -q backup --stdin --stdin-filename dump.sql`,
      );

const restore = (tool: Tool, repository: string, server: MysqlServer): Command =>
  isHoldfast(tool)
    ? holdfastCommand('restore latest --to "$DATABASE"', repository, placeOf(server, copy))
    : piped(
        tool,
        repository,
        server,
        `"$RESTIC" --no-cache -q dump latest dump.sql | "$CLIENT" $SERVER ${copy}`,
      );

const isHoldfast = ({ name }: Tool): boolean => name.startsWith('holdfast');

const placeOf = (server: MysqlServer, name: string): Record<string, string> => ({
  DATABASE: `mariadb://${server.user}@${server.host}:${server.port}/${name}`,
  MYSQL_PWD: server.password,
});

const piped = (tool: Tool, repository: string, server: MysqlServer, line: string): Command => ({
  line,
  env: {
    ...tool.init(repository).env,
    MYSQL_PWD: server.password,
    DUMP: program('mariadb-dump'),
    CLIENT: program('mariadb'),
    SERVER: `--no-defaults --host=${server.host} --port=${server.port} --user=${server.user}`,
  },
});

const requireSameRows = async (server: MysqlServer, { name }: Tool): Promise<void> => {
  const seen = (from: string): Promise<string> =>
    server.sql('select count(*), sum(tax), sum(crc32(note)) from orders', from);
  if ((await seen(copy)) !== (await seen(database))) throw new Error(`${name} restored other rows`);
};

const repositoryOf = (bench: Bench, tool: Tool): string => join(bench.folder, `repository of ${tool.name}`);
