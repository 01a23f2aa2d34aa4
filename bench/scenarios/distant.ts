// Repositories on other machines: SFTP and S3, on the loopback and with the latency of a distant server.
import { join } from 'node:path';
import { skipWithout } from '../../test/servers/programs.ts';
import { skipWithoutSshd } from '../../test/servers/sshd.ts';
import { resticBinaries, skipWithoutRestic } from '../../test/tools/restic.ts';
import { type Comparison, type Contender, compare } from '../comparison.ts';
import { type DistantPlace, distantPlaces } from '../inputs/distant-places.ts';
import { writeBytes } from '../inputs/files.ts';
import { noiseBytes } from '../inputs/noise.ts';
import type { Command } from '../measure.ts';
import { freshFolder, perform, requireSame } from '../repositories.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { holdfast, holdfastCommand } from '../tools/holdfast.ts';

const mebibytes = { quick: 128, full: 512 } as const;
const roundTripsMs = [0, 20];
const target = { of: 'wall', atLeast: 1.2 } as const;

export const distant: Scenario = {
  name: 'distant',
  skip: () => skipWithoutSshd() ?? skipWithout('ceph') ?? skipWithoutRestic(),
  async *run(bench) {
    const size = mebibytes[bench.scale];
    const file = writeBytes(join(bench.folder, 'noise.bin'), noiseBytes('distant', size * 1024 * 1024));
    for (const roundTripMs of roundTripsMs)
      for await (const place of distantPlaces(bench.folder, roundTripMs)) {
        const what = `${size} MiB over ${place.kind}${roundTripMs > 0 ? `, ${roundTripMs} ms away` : ''}`;
        yield* thereAndBack(bench, place, file, what);
      }
  },
};

async function* thereAndBack(
  bench: Bench,
  place: DistantPlace,
  file: string,
  what: string,
): AsyncGenerator<Comparison> {
  const { rounds } = bench;
  const { new: restic } = await resticBinaries();
  const resticName = bench.tools.find(({ name }) => name.startsWith('restic'))?.name ?? 'restic';
  const restored = join(bench.folder, 'restored');
  const ours = (args: string, env: Record<string, string> = {}): Command =>
    holdfastCommand(`--config "$CONFIG" ${args} -r distant`, '', { CONFIG: place.config, ...env });
  const theirs = (args: string, env: Record<string, string> = {}): Command => ({
    line: `"$RESTIC" --no-cache -q ${place.resticOptions} ${args}`,
    env: { RESTIC: restic, HOME: '/nonexistent', RESTIC_PASSWORD: 'benchmark', ...place.resticEnv, ...env },
  });
  const contender = (whose: 'holdfast' | 'restic', init: Command, command: Command): Contender => ({
    name: whose === 'holdfast' ? holdfast.name : resticName,
    command,
    async prepare() {
      await place.clear(whose);
      await perform(init);
    },
  });
  const back = (name: string, command: Command, from: string): Contender => ({
    name,
    command,
    prepare: () => void freshFolder(restored),
    check: () => requireSame(file, join(restored, from)),
  });
  const input = { INPUT: file };
  yield await compare({
    title: `${what}, first backup`,
    target,
    rounds,
    contenders: [
      contender('holdfast', ours('init'), ours('backup "$INPUT"', input)),
      contender('restic', theirs('init'), theirs('backup "$INPUT"', input)),
    ],
  });
  yield await compare({
    title: `${what}, restore`,
    target,
    rounds,
    contenders: [
      back(holdfast.name, ours('restore latest:noise.bin --to "$TARGET"', { TARGET: restored }), 'noise.bin'),
      back(resticName, theirs('restore latest --target "$TARGET"', { TARGET: restored }), file),
    ],
  });
}
