// A PostgreSQL server on the same machine, end to end: it shares the cores with whoever reads it.
import { skipWithout } from '../../test/servers/programs.ts';
import { compareDatabases, type DatabaseWork } from '../databases.ts';
import { changeOrders, databaseOf, ordersServer } from '../inputs/database.ts';
import type { Scenario } from '../scenario.ts';
import { holdfastByRows } from '../tools/holdfast.ts';

const sizes = { quick: 100, full: 400 } as const;
const copy = 'shop_copy';

export const postgres: Scenario = {
  name: 'postgres',
  skip: () => skipWithout('postgresql'),
  async *run(bench) {
    const size = sizes[bench.scale];
    await using server = await ordersServer(bench.folder, size * 1024 * 1024);
    const work: DatabaseWork = {
      title: `PostgreSQL, table of ${size} MiB`,
      items: 'rows',
      database: databaseOf(server),
      copy: databaseOf(server, copy),
      change: () => changeOrders(server, 1),
      async clearCopy() {
        await server.psql('postgres', `DROP DATABASE IF EXISTS ${copy}`);
        await server.psql('postgres', `CREATE DATABASE ${copy} TEMPLATE template0`);
      },
      describe: ({ name }) => server.psql(name, 'SELECT count(*), sum(tax) FROM orders'),
      targets: { changed: { of: 'stored', atLeast: 1 / 0.35 } },
    };
    yield* compareDatabases(bench, work);
    const [, ...peers] = bench.tools;
    yield* compareDatabases(
      { ...bench, tools: [holdfastByRows, ...peers] },
      { ...work, title: `${work.title}, by rows` },
    );
  },
};
