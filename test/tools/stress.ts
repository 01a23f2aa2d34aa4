// The random driver: rounds in which several processes of Holdfast and of restic, old and new, do random things to one repository at
// once and are killed, ended and stopped at random moments; now and then something is damaged and repaired, or clocks are wrong and
// locks are removed under those who hold them. After each round the
// oracle says whether every promise was kept. One seed is one sequence of decisions; when processes meet is not in its hands.
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Random, seededRandom } from '#lib/random.ts';
import type { RunningCli } from './cli.ts';
import { damageAndRepair } from './stress-damage.ts';
import { chooseOperation, type Operation, type Stress } from './stress-operations.ts';
import { judgeAll, judgeEnd, succeed } from './stress-oracle.ts';
import { changeSources, openStressPlace, type StressPlace, type StressStore } from './stress-place.ts';

export interface StressOptions {
  readonly seed: number;
  /** It ends after so many signals, … */
  readonly kills: number;
  /** … or after this time, with the round that is under way. */
  readonly forMs: number;
  readonly store: StressStore;
  readonly onRound?: (line: string) => void;
}

/** Throws at the first broken promise, with what was done last, and leaves the repository for looking at. */
export const stress = async (options: StressOptions): Promise<Stress['counts']> => {
  const { seed, kills, forMs, store, onRound } = options;
  await using place = await openStressPlace(store);
  const log: string[] = [];
  try {
    const driven = await begin(place, seededRandom(`${seed} begin`), (line) =>
      log.push(`${new Date().toISOString().slice(11, 23)} ${line}`),
    );
    const { counts, note } = driven;
    for (const end = Date.now() + forMs; counts.signals < kills && Date.now() < end; ) {
      counts.rounds += 1;
      note(`round ${counts.rounds}`);
      const random = seededRandom(`${seed} round ${counts.rounds}`);
      if (driven.isLawless || random.fork('forget').chance(0.25)) await forgetAll(driven);
      driven.isLawless = random.fork('lawless').chance(0.25);
      await round(driven, random);
      await judgeAll(driven, random);
      const damaging = random.fork('damage');
      if (!driven.isLawless && damaging.chance(0.5) && driven.present.length > 0)
        await damageAndRepair(driven, damaging, {
          round: () => round(driven, damaging),
          perform: (operation) => perform(driven, operation, damaging),
        });
      onRound?.(`${driven.present.length} snapshots, ${JSON.stringify(counts)}`);
    }
    rmSync(place.folder, { recursive: true });
    return counts;
  } catch (cause) {
    const kept = join(place.folder, 'stored', 'main');
    if (place.repository !== kept) cpSync(place.repository, kept, { recursive: true });
    throw new Error(`seed ${seed}; kept in ${place.folder}; the last of it:\n${log.slice(-50).join('\n')}`, {
      cause,
    });
  }
};

/** In the other repository there are a snapshot of ours and one of restic. */
const begin = async (place: StressPlace, random: Random, note: Stress['note']): Promise<Stress> => {
  const contents = changeSources(place, random);
  const backups: Stress['backups'] = new Map();
  for (const [index, tool] of (['holdfast', 'new'] as const).entries()) {
    const source = place.sources[index] ?? '';
    backups.set(`other-${index}`, { source, content: contents.get(source) ?? new Map() });
    const words = ['backup', place.at(source), '--tag', `other-${index}`];
    assert.equal((await place.run(tool, words, { repository: 'other' })).status, 0);
  }
  return {
    ...{ place, note, contents, backups, otherLabels: [...backups.keys()] },
    ...{
      present: [],
      promised: new Set(),
      ended: [],
      doors: [],
      number: 10,
      damage: 'none',
      isLawless: false,
    },
    counts: { rounds: 0, operations: 0, signals: 0, damages: 0, restores: 0 },
  };
};

/** All that is stored is unused then: a prune takes it away while backups rely on it. */
const forgetAll = async (driven: Stress): Promise<void> => {
  if (driven.present.length === 0) return;
  await succeed(driven, 'holdfast', ['forget', ...driven.present.map(({ id }) => id), '--force']);
  driven.present = [];
  driven.promised.clear();
};

const round = async (driven: Stress, random: Random): Promise<void> => {
  driven.contents = changeSources(driven.place, random);
  const chosen = Array.from({ length: random.integer(3, 8) }, () => chooseOperation(driven, random));
  const fork = random.fork(`${driven.number}`);
  const performing = chosen.map((operation, index) => perform(driven, operation, fork.fork(`${index}`)));
  for (const each of await Promise.allSettled(performing)) // whatever failed, nobody is running then
    if (each.status === 'rejected') throw each.reason;
};

const perform = async (driven: Stress, operation: Operation, random: Random): Promise<void> => {
  const { place, counts, note } = driven;
  const { tool, words } = operation;
  counts.operations += 1;
  await sleep(random.integer(0, 900));
  note(`begins: ${tool} ${words.join(' ')}`);
  const running = place.start(tool, words, operation);
  const sent = sendSignal(running, random);
  const result = await running.result;
  const { status, signal, stderr } = result;
  if (sent.signal) counts.signals += 1;
  note(
    `ended with ${status ?? signal}${sent.signal ? ` after ${sent.signal}` : ''}: ${tool} ${words.join(' ')}`,
  );
  if (status !== 0 && stderr) note(`  ${stderr.trim().slice(-600)}`);
  judgeEnd(driven, operation, result, sent.signal);
};

const none = undefined;
const signals = [
  'SIGKILL',
  'SIGKILL',
  'SIGKILL',
  'SIGTERM',
  'SIGSTOP',
  'SIGSTOP',
  none,
  none,
  none,
  none,
] as const;

/** To some processes, at a random moment; returns what was sent so far. */
const sendSignal = (
  { process, result }: RunningCli,
  random: Random,
): { readonly signal?: NodeJS.Signals } => {
  const signal = random.pick(signals);
  const [afterMs, stoppedMs] = [100 + 2000 * random.next() ** 2, 3000 * random.next()];
  const sent: { signal?: NodeJS.Signals } = {};
  if (signal === undefined) return sent;
  const timers = [
    setTimeout(() => process.kill(signal) && Object.assign(sent, { signal }), afterMs),
    setTimeout(() => signal === 'SIGSTOP' && process.kill('SIGCONT'), afterMs + stoppedMs),
  ];
  void result.finally(() => timers.forEach(clearTimeout));
  return sent;
};
