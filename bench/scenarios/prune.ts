// Pruning a repository of very many small blobs: each tool on the same one.
import { join } from 'node:path';
import { resticBinaries, skipWithoutRestic } from '../../test/tools/restic.ts';
import { compare } from '../comparison.ts';
import { writeManyBlobs } from '../inputs/many-blobs.ts';
import type { Command } from '../measure.ts';
import { keepState, perform, restoreState, storedBytes } from '../repositories.ts';
import type { Scenario } from '../scenario.ts';
import { holdfast, holdfastCommand } from '../tools/holdfast.ts';

const gibibytes = { quick: 1, full: 20 } as const;

export const prune: Scenario = {
  name: 'prune',
  skip: skipWithoutRestic,
  async *run(bench) {
    const size = gibibytes[bench.scale];
    const repository = join(bench.folder, 'many blobs');
    bench.note(`making a repository of ${size} GiB`);
    await writeManyBlobs(repository, 'benchmark', size * 1024);
    keepState(repository);
    const binaries = await resticBinaries();
    const restic = (binary: string, args: string): Command => ({
      line: `"$RESTIC" --no-cache -q ${args}`,
      env: {
        RESTIC: binary,
        HOME: '/nonexistent',
        RESTIC_REPOSITORY: repository,
        RESTIC_PASSWORD: 'benchmark',
      },
    });
    const [, newest, old] = bench.tools;
    const contender = (name: string, command: Command) => ({
      name,
      command,
      prepare: () => restoreState(repository),
      check: () => perform(restic(binaries.new, 'check')),
      stored: () => storedBytes(repository),
    });
    yield await compare({
      title: `${size} GiB in ${Math.round((size * 1024) / 9)} thousand blobs, a tenth unused, prune`,
      rounds: bench.scale === 'full' ? 1 : bench.rounds,
      contenders: [
        contender(holdfast.name, holdfastCommand('prune', repository, {})),
        contender(newest?.name ?? 'restic', restic(binaries.new, 'prune')),
        contender(old?.name ?? 'old restic', restic(binaries.old, 'prune')),
      ],
    });
  },
};
