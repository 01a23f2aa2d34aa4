// The long runs: what `npm test` does briefly, many times over. Seeded, so that what is found can be found again.
import { parseArgs } from 'node:util';
import { hardTimes } from '../test/tools/hard-times.ts';
import { killBackups } from '../test/tools/kill-backups.ts';
import { killCare } from '../test/tools/kill-care.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now()) },
  },
});
const seed = Number(values.seed);
const kills = Number(values.kills);

console.log(`${kills} backups are killed at random moments; seed ${seed}`);
let round = 0;
const report = await killBackups({
  kills,
  seed,
  onRound: (line) => console.log(`${++round}/${kills} ${line}`),
});
console.log(
  `${report.interrupted} were interrupted, ${report.reused} left packs that the next backup used; nothing was lost`,
);

console.log(`${kills} times each, prune, copy and a change of the password are killed; seed ${seed}`);
const interrupted = await killCare({ kills, seed, onRound: (line) => console.log(line) });
console.log(`${interrupted} were interrupted; nothing was lost`);

console.log(`an hour of simulated time with a store that fails one call in twenty; seed ${seed}`);
const { done, failed, snapshots } = await hardTimes({
  seed,
  simulatedMinutes: 60,
  onRound: (line) => console.log(line),
});
console.log(`${done} commands succeeded and ${failed} failed; all of ${snapshots} snapshots are there`);
