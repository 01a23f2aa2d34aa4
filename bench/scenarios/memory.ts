// The same work on ten times as much data: a tool whose memory is bounded needs no more of it.
import { join } from 'node:path';
import { skipWithout } from '../../test/servers/programs.ts';
import { type Comparison, compare } from '../comparison.ts';
import { firstBackup, intoNew, restore } from '../contenders.ts';
import { databaseOf, ordersServer } from '../inputs/database.ts';
import { writeBytes, writeSmallFiles } from '../inputs/files.ts';
import { orderBytes } from '../inputs/orders.ts';
import { freshFolder } from '../repositories.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { holdfast } from '../tools/holdfast.ts';

/** Ten times what the other scenarios have. */
const sizes = {
  quick: { fileMebibytes: 1280, files: 100_000, tableMebibytes: 1000 },
  full: { fileMebibytes: 4000, files: 500_000, tableMebibytes: 4000 },
} as const;

export const memory: Scenario = {
  name: 'memory',
  async *run(bench) {
    const own = { ...bench, tools: bench.tools.slice(0, 2), rounds: 1 };
    yield* ofFile({ ...own, folder: freshFolder(join(bench.folder, 'file')) });
    yield* ofFiles({ ...own, folder: freshFolder(join(bench.folder, 'files')) });
    if (skipWithout('postgresql') === undefined)
      yield* ofTable({ ...own, folder: freshFolder(join(bench.folder, 'table')) });
  },
};

async function* ofFile(bench: Bench): AsyncGenerator<Comparison> {
  const size = sizes[bench.scale].fileMebibytes;
  const path = writeBytes(join(bench.folder, 'orders.copy'), orderBytes('orders', size * 1024 * 1024));
  const title = `SQL-like file, ${size} MiB`;
  const { rounds } = bench;
  yield await compare({ title: `${title}, first backup`, rounds, contenders: firstBackup(bench, path) });
  yield await compare({ title: `${title}, restore`, rounds, contenders: await restore(bench, path) });
}

async function* ofFiles(bench: Bench): AsyncGenerator<Comparison> {
  const count = sizes[bench.scale].files;
  const path = writeSmallFiles(join(bench.folder, 'small files'), count);
  const title = `${count.toLocaleString('en')} small files, first backup`;
  yield await compare({ title, rounds: bench.rounds, contenders: firstBackup(bench, path) });
}

async function* ofTable(bench: Bench): AsyncGenerator<Comparison> {
  const size = sizes[bench.scale].tableMebibytes;
  await using server = await ordersServer(bench.folder, size * 1024 * 1024);
  const database = databaseOf(server);
  const own = { ...bench, tools: [holdfast] };
  const contenders = intoNew(own, (tool, repository) => tool.backupDatabase(repository, database));
  const title = `PostgreSQL, table of ${size} MiB, first backup`;
  yield await compare({ title, rounds: bench.rounds, contenders });
}
