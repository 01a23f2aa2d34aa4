// The long runs: what `npm test` does briefly, many times over. Seeded, so that what is found can be found again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exportsUnderFire } from '../test/tools/export-fire.ts';
import { hardTimes } from '../test/tools/hard-times.ts';
import { idleDaemon } from '../test/tools/idle-daemon.ts';
import { killBackups } from '../test/tools/kill-backups.ts';
import { type CarefulName, killCare } from '../test/tools/kill-care.ts';
import { killDaemon } from '../test/tools/kill-daemon.ts';
import { killIncrements } from '../test/tools/kill-increments.ts';
import { mirrorStory, openMirrorPlace } from '../test/tools/mirror-place.ts';
import { receiveDays } from '../test/tools/receive-days.ts';
import { manyTables } from '../test/tools/scale.ts';
import { stress } from '../test/tools/stress.ts';
import type { StressStore } from '../test/tools/stress-place.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now()) },
    minutes: { type: 'string', default: '10' },
    only: { type: 'string' },
    store: { type: 'string', default: 'local' },
  },
});
const seed = Number(values.seed);
const kills = Number(values.kills);
const onRound = (line: string): void => console.log(line);

const care = (only: CarefulName) => async (): Promise<string> => {
  const interrupted = await killCare({ kills, seed, only, onRound });
  return `${interrupted} of ${kills} were interrupted; nothing was lost`;
};

/** Each runs to its end, or throws at the first broken promise. */
const parts: Readonly<Record<string, () => Promise<string>>> = {
  async backup() {
    const { interrupted, reused } = await killBackups({ kills, seed, onRound });
    return `${interrupted} of ${kills} were interrupted, ${reused} left packs that the next backup used; nothing was lost`;
  },
  async increments() {
    const { interrupted, restored } = await killIncrements({ kills, seed, onRound });
    return `${interrupted} of ${kills} were interrupted; each of ${restored} snapshots had the rows of its moment`;
  },
  prune: care('prune'),
  copy: care('copy'),
  passwd: care('passwd'),
  async daemon() {
    const report = await killDaemon({ forMs: Number(values.minutes) * 60_000, seed, onKill: onRound });
    const { daemonsKilled, jobsKilled, dueTimes, runs, again } = report;
    return `${daemonsKilled} daemons and ${jobsKilled} jobs were killed in ${dueTimes} due times; ${runs} runs, ${again} of them again, none lost or twice`;
  },
  async idle() {
    const { rssMiB, cpuMs } = await idleDaemon({ jobs: 200, forMs: 300_000 });
    if (rssMiB >= 80) throw new Error(`an idle daemon takes ${rssMiB.toFixed(1)} MiB`);
    if (cpuMs >= 150) throw new Error(`an idle daemon took ${cpuMs} ms of a processor in five minutes`);
    return `an idle daemon with 200 jobs takes ${rssMiB.toFixed(1)} MiB, and took ${cpuMs} ms of a processor in five minutes`;
  },
  async exports() {
    const { rows, kills: killed } = await exportsUnderFire({ rounds: kills * 2, seed, onRound });
    return `${rows} rows, ${killed} runs killed; every row is in exactly one file`;
  },
  async mirror() {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-mirror-'));
    try {
      await using place = await openMirrorPlace(folder, 20_000, String(seed));
      await mirrorStory(place);
    } finally {
      rmSync(folder, { recursive: true });
    }
    return 'of 20,000 files, 400 of them bad, every status was right, and all were copied in the end';
  },
  async receive() {
    const report = await receiveDays({ days: 3, partialsADay: 288, seed, onRound });
    const { wholes, partials, compared, cancelled, looks, reconnected } = report;
    return `${wholes} complete and ${partials} partial backups in three days: the receiver equalled the sender at each of ${compared} points, ${cancelled} runs were broken off; readers looked ${looks} times, connected again ${reconnected} times, and saw nothing mixed`;
  },
  async scale() {
    for (const engine of ['postgres', 'mariadb', 'mongodb'] as const)
      await manyTables({ engine, tables: 10_000, rowMiB: 64, onRound });
    return 'ten thousand tables and a row of 64 MB (16 MB in MongoDB) came back from each engine';
  },
  async stress() {
    const store = values.store as StressStore;
    const counts = await stress({ seed, kills, forMs: Number(values.minutes) * 60_000, store, onRound });
    return `every promise was kept: ${JSON.stringify(counts)}`;
  },
  async faults() {
    const report = await hardTimes({ seed, simulatedMinutes: 60, onRound });
    return `${report.done} commands succeeded and ${report.failed} failed; all of ${report.snapshots} snapshots are there`;
  },
};

const chosen = values.only?.split(',') ?? Object.keys(parts);
for (const name of chosen) {
  const part = parts[name];
  if (!part) throw new Error(`there is no part named ${name}; there are ${Object.keys(parts).join(', ')}`);
  console.log(`${name}: seed ${seed}`);
  console.log(`${name}: ${await part()}`);
}
