// One big file: how fast bytes go through the engine, each way.
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type Comparison, type Contender, compare } from '../comparison.ts';
import { firstBackup, restore, secondBackup } from '../contenders.ts';
import { writeBytes } from '../inputs/files.ts';
import { noiseBytes } from '../inputs/noise.ts';
import { orderBytes } from '../inputs/orders.ts';
import type { Bench, Scenario } from '../scenario.ts';

const mebibyte = 1024 * 1024;
const sizes = { quick: { usual: 128, large: 384 }, full: { usual: 400, large: 1600 } } as const;
const faster = { of: 'wall', atLeast: 1.5 } as const;

/** A dump in COPY format, as pg_dump makes it; and one four times larger, where start-up no longer counts. */
export const sqlFile: Scenario = {
  name: 'sql',
  async *run(bench) {
    const { usual, large } = sizes[bench.scale];
    const { file, title } = orders(bench, usual);
    yield* thereAndBack(bench, file, title);
    const contenders = touching(file, await secondBackup(bench, file));
    yield await compare({ title: `${title}, its content again`, rounds: bench.rounds, contenders });
    const larger = orders(bench, large);
    yield* thereAndBack({ ...bench, rounds: Math.min(3, bench.rounds) }, larger.file, larger.title);
  },
};

/** What is compressed already: photographs, videos, archives. */
export const noiseFile: Scenario = {
  name: 'noise',
  async *run(bench) {
    const { rounds, scale, folder } = bench;
    const size = sizes[scale].usual;
    const file = writeBytes(join(folder, 'noise.bin'), noiseBytes('noise', size * mebibyte));
    const title = `incompressible file, ${size} MiB, first backup`;
    const target = { of: 'wall', atLeast: 1.2 } as const;
    yield await compare({ title, target, rounds, contenders: firstBackup(bench, file) });
  },
};

async function* thereAndBack(bench: Bench, file: string, title: string): AsyncGenerator<Comparison> {
  const { rounds } = bench;
  const backups = firstBackup(bench, file);
  yield await compare({ title: `${title}, first backup`, target: faster, rounds, contenders: backups });
  const restores = await restore(bench, file);
  yield await compare({ title: `${title}, restore`, target: faster, rounds, contenders: restores });
}

const orders = (bench: Bench, size: number): { file: string; title: string } => ({
  file: writeBytes(join(bench.folder, `orders-${size}.copy`), orderBytes('orders', size * mebibyte)),
  title: `SQL-like file, ${size} MiB`,
});

/** With a new time, so that it has to be read. */
const touching = (file: string, contenders: readonly Contender[]): Contender[] =>
  contenders.map((contender) => ({
    ...contender,
    prepare: async () => {
      await contender.prepare();
      utimesSync(file, new Date(), new Date());
    },
  }));
