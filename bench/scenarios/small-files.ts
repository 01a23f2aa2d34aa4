// Many small files: what a file costs apart from its bytes.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { compare } from '../comparison.ts';
import { firstBackup, restore, secondBackup } from '../contenders.ts';
import { writeSmallFiles } from '../inputs/files.ts';
import type { Scenario } from '../scenario.ts';

const counts = { quick: 10_000, full: 50_000 } as const;
/** Younger files Holdfast reads again in the next backup, for their times leave doubt (docs/sources/files.md). */
const settledMs = 61_000;

export const smallFiles: Scenario = {
  name: 'files',
  async *run(bench) {
    const { rounds, scale } = bench;
    const folder = writeSmallFiles(join(bench.folder, 'small files'), counts[scale]);
    const written = Date.now();
    const title = (doing: string): string => `${counts[scale].toLocaleString('en')} small files, ${doing}`;
    yield await compare({
      title: title('first backup'),
      target: { of: 'wall', atLeast: 1.4 },
      rounds,
      contenders: firstBackup(bench, folder),
    });
    await wait(Math.max(0, written + settledMs - Date.now()));
    yield await compare({
      title: title('unchanged'),
      target: { of: 'wall', atLeast: 2 },
      rounds,
      contenders: await secondBackup(bench, folder),
    });
    yield await compare({
      title: title('restore'),
      target: { of: 'wall', atLeast: 1.5 },
      rounds,
      contenders: await restore(bench, folder),
    });
  },
};
