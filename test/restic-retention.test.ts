// Our rules for what to keep against restic's own, on histories with summer time, leap days, gaps and equal times.
import assert from 'node:assert/strict';
import { afterEach, before, describe, test } from 'node:test';
import type { KeepRules } from '#config/keep.ts';
import { applyRetention } from '#jobs/retention.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import type { Snapshot } from '#repository/contract.ts';
import { Sealer } from '#repository/sealing/seal.ts';
import { saveSnapshot } from '#repository/snapshot.ts';
import { memoryEntries, neverFires, testPassword, testRepository } from '#repository/testing.ts';
import { formatLocalTime } from '#repository/trees/time.ts';
import { openStore, storeFromUrl } from '#stores/registry.ts';
import { type ResticBinaries, resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { temporaryFolder } from './tools/temp.ts';

const skip = skipWithoutRestic() ?? false;
const now = new Date('2026-11-01T12:00:00Z');
const day = 86_400_000;

/** A zone, a moment that its calendar makes difficult, and about how far apart the snapshots are. */
const histories: readonly (readonly [zone: string, around: string, stepMs: number])[] = [
  ['Europe/Berlin', '2026-03-29T12:00:00Z', 20 * 60_000],
  ['Europe/Berlin', '2026-10-25T12:00:00Z', 20 * 60_000],
  ['America/New_York', '2026-03-08T12:00:00Z', 50 * 60_000],
  ['Asia/Kathmandu', '2026-01-03T12:00:00Z', day],
  ['Europe/London', '2026-04-20T12:00:00Z', 3 * day],
  ['UTC', '2024-03-10T12:00:00Z', day],
  ['America/St_Johns', '2025-12-01T12:00:00Z', 25 * day],
];

const policies: readonly KeepRules[] = [
  { last: 5 },
  { hourly: 9, daily: 3 },
  { daily: 7, weekly: 4, monthly: 12, yearly: 2 },
  { daily: 'unlimited' },
  { within: '1d2h' },
  { within: '1m', tag: ['a,b'] },
  { weekly: 60, within: '1y1m1d1h' },
  { yearly: 30, tag: ['a', 'b'] },
];

describe('retention agrees with restic', { skip, concurrency: false }, () => {
  const zoneBefore = process.env.TZ;
  let restic: ResticBinaries;
  before(async () => {
    restic = await resticBinaries();
  });
  afterEach(() => {
    if (zoneBefore === undefined) delete process.env.TZ;
    else process.env.TZ = zoneBefore;
  });

  /**
   * «Unlimited», and that the oldest snapshot is kept while places are left came to restic after the old one. Neither keeps anything for
   * a newest one that may be dated wrong.
   */
  const counts = (reason: string, binary: string): boolean =>
    !reason.endsWith('of the last but one') && (binary === restic.new || !reason.startsWith('oldest'));

  for (const [number, [zone, around, stepMs]] of histories.entries()) {
    test(`${zone}, around ${around.slice(0, 10)}`, async () => {
      process.env.TZ = zone;
      const random = seededRandom(`restic ${zone} ${around}`);
      const { repository, snapshots } = await repositoryOf(randomTimes(random, around, stepMs), random);
      const chosen = policies.filter((_, at) => (at + number) % 2 === 0);
      for (const rules of chosen)
        for (const binary of Object.values(rules).includes('unlimited')
          ? [restic.new]
          : [restic.new, restic.old]) {
          const { stdout } = await runRestic(
            binary,
            ['forget', '--dry-run', '--json', '--quiet', ...optionsOf(rules)],
            {
              repository,
              password: testPassword,
              env: { TZ: zone },
            },
          );
          const [group] = JSON.parse(stdout.toString()) as [{ keep: { id: string; time: string }[] }];
          const ours = applyRetention(snapshots, rules, now).filter(({ reasons }) =>
            reasons.some((why) => counts(why, binary)),
          );
          // Restic does not order equal times: any of them may be kept, and it may be the one that a tag keeps as well.
          const times = (list: readonly { time: Date | string }[]): number[] =>
            [...new Set(list.map(({ time }) => new Date(time).getTime()))].sort();
          assert.deepEqual(
            times(ours.map(({ snapshot }) => snapshot)),
            times(group.keep),
            `${binary}: ${JSON.stringify(rules)}`,
          );
        }
    });
  }
});

const randomTimes = (random: Random, around: string, stepMs: number): Date[] => {
  let time = new Date(around).getTime();
  return Array.from({ length: 50 }, () => {
    if (random.chance(0.9)) time -= random.chance(0.05) ? 15 * stepMs : random.integer(0, 2 * stepMs);
    return new Date(time);
  });
};

const repositoryOf = async (times: readonly Date[], random: Random) => {
  const repository = temporaryFolder('retention');
  await using store = await openStore(storeFromUrl(repository), {
    name: 'test',
    signal: neverFires,
    clock: systemClock,
    log: silentLog,
  });
  const made = await testRepository(store);
  const { snapshot } = await made.write(memoryEntries({ a: 'content' }));
  const sealer = new Sealer(made.key);
  const snapshots: Snapshot[] = [];
  for (const time of times) {
    const tags = ['source:test', ...['a', 'b'].filter(() => random.chance(0.1))];
    const { id, parent, ...same } = snapshot as Snapshot;
    snapshots.push(
      await saveSnapshot(store, sealer, { ...same, time, localTime: formatLocalTime(time), tags }),
    );
  }
  await (await made.open()).forget(snapshot as Snapshot);
  return { repository, snapshots };
};

const optionsOf = ({ within, tag = [], ...counts }: KeepRules): string[] => [
  ...Object.entries(counts).flatMap(([name, count]) => [`--keep-${name}`, String(count)]),
  ...(within === undefined ? [] : ['--keep-within', within]),
  ...tag.flatMap((tags) => ['--keep-tag', tags]),
];
