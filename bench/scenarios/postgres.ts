// A PostgreSQL server on the same machine, end to end: it shares the cores with whoever reads it.
import { join } from 'node:path';
import type { PostgresServer } from '../../test/servers/postgres.ts';
import { skipWithout } from '../../test/servers/programs.ts';
import { type Contender, compare } from '../comparison.ts';
import { changeOrders, database, ordersServer } from '../inputs/database.ts';
import { freshRepository, keepState, restoreState, storedBytes } from '../repositories.ts';
import type { Bench, Scenario } from '../scenario.ts';
import type { DatabasePlace, Tool } from '../tools/tool.ts';

const sizes = { quick: 100, full: 400 } as const;

export const postgres: Scenario = {
  name: 'postgres',
  skip: () => skipWithout('postgresql'),
  async *run(bench) {
    const { rounds, scale, folder } = bench;
    await using server = await ordersServer(folder, sizes[scale] * 1024 * 1024);
    const title = (doing: string): string => `PostgreSQL, table of ${sizes[scale]} MiB, ${doing}`;
    yield await compare({
      title: title('first backup'),
      target: { of: 'wall', atLeast: 1.15 },
      rounds,
      contenders: firstBackup(bench, server),
    });
    for (const tool of bench.tools) keepState(place(bench, tool, server).repository);
    await changeOrders(server, 1);
    yield await compare({
      title: title('1 % of its rows changed'),
      target: { of: 'stored', atLeast: 1 / 0.35 },
      rounds,
      contenders: secondBackup(bench, server),
    });
    yield await compare({ title: title('restore'), rounds, contenders: restore(bench, server) });
  },
};

const firstBackup = (bench: Bench, server: PostgresServer): Contender[] =>
  bench.tools.map((tool) => {
    const from = place(bench, tool, server);
    return {
      name: tool.name,
      prepare: () => freshRepository(tool, from.repository),
      command: tool.backupDatabase(from),
      stored: () => storedBytes(from.repository),
    };
  });

/** On top of the last round of the first. */
const secondBackup = (bench: Bench, server: PostgresServer): Contender[] =>
  bench.tools.map((tool) => {
    const from = place(bench, tool, server);
    const before = storedBytes(from.repository);
    return {
      name: tool.name,
      prepare: () => restoreState(from.repository),
      command: tool.backupDatabase(from),
      stored: () => storedBytes(from.repository) - before,
    };
  });

const restore = (bench: Bench, server: PostgresServer): Contender[] => {
  const count = (name: string): Promise<string> => server.psql(name, 'SELECT count(*), sum(tax) FROM orders');
  return bench.tools.map((tool) => ({
    name: tool.name,
    prepare: async () => {
      await server.psql('postgres', `DROP DATABASE IF EXISTS ${copy}`);
      await server.psql('postgres', `CREATE DATABASE ${copy} TEMPLATE template0`);
    },
    command: tool.restoreDatabase(place(bench, tool, server, copy)),
    check: async () => {
      if ((await count(copy)) !== (await count(database)))
        throw new Error(`${tool.name} restored other rows`);
    },
  }));
};

const copy = 'shop_copy';

const place = (bench: Bench, tool: Tool, server: PostgresServer, name: string = database): DatabasePlace => ({
  repository: join(bench.folder, `repository of ${tool.name}`),
  url: `postgres://${server.user}@${server.host}:${server.port}/${name}`,
  password: server.password,
});
