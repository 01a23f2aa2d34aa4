import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KeepRules } from '#config/keep.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import type { Snapshot } from '#repository/contract.ts';
import { applyRetention, lastGoodOnes } from './retention.ts';
import { snapshotOf } from './testing.ts';

const now = new Date('2026-11-21T12:00:00Z');

/** A snapshot of the source at that time, on a clock of that zone. */
const at = (localTime: string, more: Partial<Snapshot> = {}): Snapshot => ({
  ...snapshotOf('shop', 0),
  time: new Date(localTime),
  localTime,
  ...more,
});

/** What is kept, as times and reasons. */
const kept = (snapshots: readonly Snapshot[], rules: KeepRules): [string, string][] =>
  applyRetention(snapshots, rules, now)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ snapshot, reasons }) => [snapshot.localTime ?? '', reasons.join(', ')]);

const partial = { tags: ['source:shop', 'kind:files', 'partial'] };

describe('rules', () => {
  test('keep the newest of each period, and the oldest while places are left', () => {
    const days = [
      '2026-11-18T03:00:00Z',
      '2026-11-19T03:00:00Z',
      '2026-11-19T15:00:00Z',
      '2026-11-20T03:00:00Z',
    ];
    assert.deepEqual(
      kept(
        days.map((day) => at(day)),
        { daily: 2 },
      ),
      [
        ['2026-11-20T03:00:00Z', 'daily'],
        ['2026-11-19T15:00:00Z', 'daily'],
      ],
    );
    assert.deepEqual(kept([at('2026-02-28T01:00:00Z'), at('2026-02-28T23:00:00Z')], { daily: 2 }), [
      ['2026-02-28T23:00:00Z', 'daily'],
      ['2026-02-28T01:00:00Z', 'oldest daily'],
    ]);
  });

  test('let one snapshot that is far ahead of all others end no span of time', () => {
    const usual = ['2020-11-18T03:00:00Z', '2020-11-19T03:00:00Z', '2020-11-20T03:00:00Z'].map((time) =>
      at(time),
    );
    const older = at('2020-11-16T03:00:00Z');
    const ahead = at('2026-11-20T03:00:00Z');
    assert.deepEqual(kept([older, ...usual, ahead], { within: '3d' }), [
      ['2026-11-20T03:00:00Z', 'within 3d'],
      ['2020-11-20T03:00:00Z', 'within 3d of the last but one'],
      ['2020-11-19T03:00:00Z', 'within 3d of the last but one'],
      ['2020-11-18T03:00:00Z', 'within 3d of the last but one'],
    ]);
    const next = at('2026-11-21T03:00:00Z');
    assert.equal(kept([...usual, ahead, next], { within: '3d' }).length, 2, 'another has followed');
  });

  test('count days by the clock that made the snapshot, across a change to summer time', () => {
    const night = [
      '2026-03-29T01:30:00+01:00',
      '2026-03-29T03:30:00+02:00',
      '2026-03-29T23:30:00+02:00',
      '2026-03-30T00:10:00+02:00',
    ];
    assert.deepEqual(
      kept(
        night.map((time) => at(time)),
        { daily: 5 },
      ).map(([time]) => time),
      ['2026-03-30T00:10:00+02:00', '2026-03-29T23:30:00+02:00', '2026-03-29T01:30:00+01:00'],
    );
  });

  test('count the first days of January to the week of the year before', () => {
    const days = ['2026-12-31T00:00:00Z', '2027-01-03T00:00:00Z', '2027-01-04T00:00:00Z'].map((day) =>
      at(day),
    );
    const weekly = applyRetention(days, { weekly: 9 }, new Date('2027-02-01T00:00:00Z'));
    assert.deepEqual(
      weekly.map(({ reasons }) => reasons),
      [['weekly'], ['weekly'], ['oldest weekly']],
    );
  });

  test('without any, nothing is forgotten', () => {
    assert.deepEqual(kept([at('2020-01-01T00:00:00Z')], {}), [['2020-01-01T00:00:00Z', 'no rules']]);
  });
});

describe('promises', () => {
  test('a partial snapshot takes no place of a complete one, and goes when a complete one follows', () => {
    const history = [
      at('2026-11-18T03:00:00Z'),
      at('2026-11-19T03:00:00Z', partial),
      at('2026-11-20T03:00:00Z'),
    ];
    assert.deepEqual(
      kept(history, { last: 2 }).map(([time]) => time.slice(0, 10)),
      ['2026-11-20', '2026-11-18'],
    );
  });

  test('after the last complete snapshot, partial ones are kept by the same rules', () => {
    const history = [
      at('2026-11-17T03:00:00Z'),
      ...['18', '19', '20'].map((day) => at(`2026-11-${day}T03:00:00Z`, partial)),
    ];
    assert.deepEqual(kept(history, { daily: 2 }), [
      ['2026-11-20T03:00:00Z', 'partial, nothing complete since: daily'],
      ['2026-11-19T03:00:00Z', 'partial, nothing complete since: daily'],
      ['2026-11-17T03:00:00Z', 'daily'],
    ]);
  });

  test('a snapshot dated in the future stays, and pushes no other out', () => {
    const history = [at('2026-11-20T03:00:00Z'), at('2031-01-01T00:00:00Z')];
    assert.deepEqual(kept(history, { last: 1 }), [
      ['2031-01-01T00:00:00Z', 'dated in the future'],
      ['2026-11-20T03:00:00Z', 'last'],
    ]);
  });

  test('the last complete snapshot of each source, kind and host stays, whatever the rules say', () => {
    const history = [
      at('2020-01-01T00:00:00Z'),
      at('2021-01-01T00:00:00Z'),
      at('2019-01-01T00:00:00Z', { hostname: 'there' }),
      at('2018-01-01T00:00:00Z', { tags: ['source:media'] }),
      at('2017-01-01T00:00:00Z', { tags: ['source:shop', 'kind:sqlite'] }),
    ];
    assert.deepEqual(
      kept(history, { tag: ['nothing has this'] }).map(([time, why]) => [time.slice(0, 4), why]),
      ['2021', '2019', '2018', '2017'].map((year) => [year, 'last complete snapshot']),
    );
    assert.deepEqual(
      lastGoodOnes(history, now).map(({ time }) => time.getUTCFullYear()),
      [2021, 2019, 2018, 2017],
    );
  });

  test('a pinned snapshot stays', () => {
    const pinned = at('2020-01-01T00:00:00Z', { tags: ['source:shop', 'kind:files', 'pinned'] });
    assert.deepEqual(kept([pinned, at('2026-11-20T00:00:00Z')], { last: 1 }).at(-1), [
      pinned.localTime,
      'pinned',
    ]);
  });
});

test('1,000 random histories and policies come out as a plain reading of the rules says', () => {
  const random = seededRandom('retention');
  for (let round = 0; round < 1000; round += 1) {
    const history = randomHistory(random.fork(`history ${round}`));
    const rules = randomRules(random.fork(`rules ${round}`));
    const verdicts = applyRetention(history, rules, now);
    assert.equal(verdicts.length, history.length);
    const found = verdicts.filter(({ reasons }) => reasons.length > 0).map(({ snapshot }) => snapshot.id);
    assert.deepEqual(
      new Set(found),
      new Set(
        [...Map.groupBy(history, ({ tags, hostname }) => `${tags[0]} ${hostname}`).values()].flatMap(
          (group) => expected(group, rules),
        ),
      ),
      `round ${round}: ${JSON.stringify(rules)}`,
    );
  }
});

const randomHistory = (random: Random): Snapshot[] => {
  const stepMs = random.pick([600e3, 3600e3, 6 * 3600e3, 86_400e3, 9 * 86_400e3, 70 * 86_400e3]);
  let time = now.getTime() + random.pick([-1, -1, 0, 3]) * stepMs;
  return Array.from({ length: random.integer(0, 60) }, () => {
    if (!random.chance(0.1)) time -= random.chance(0.1) ? 20 * stepMs : random.integer(0, 2 * stepMs);
    const source = random.pick(['source:shop', 'source:shop', 'source:media']);
    const offset = random.pick(['Z', '+01:00', '-05:30']);
    return at(inZone(time, offset), {
      hostname: random.pick(['here', 'here', 'there']),
      tags: [source, ...['partial', 'pinned', 'a', 'b'].filter(() => random.chance(0.15))],
    });
  });
};

const offsets: Record<string, number> = { Z: 0, '+01:00': 60, '-05:30': -330 };

const inZone = (time: number, offset: string): string =>
  new Date(time + (offsets[offset] ?? 0) * 60_000).toISOString().replace('Z', offset);

const randomRules = (random: Random): KeepRules => {
  const some = (probability: number): { count?: number | 'unlimited' } =>
    random.chance(probability) ? { count: random.chance(0.1) ? 'unlimited' : random.integer(1, 12) } : {};
  const rules = {
    last: some(0.4),
    hourly: some(0.3),
    daily: some(0.4),
    weekly: some(0.3),
    monthly: some(0.3),
    yearly: some(0.3),
  };
  return {
    ...Object.fromEntries(
      Object.entries(rules).flatMap(([name, { count }]) => (count === undefined ? [] : [[name, count]])),
    ),
    ...(random.chance(0.3) && { within: random.pick(['30h', '7d', '1m', '1y2m3d4h']) }),
    ...(random.chance(0.2) && { tag: random.pick([['a'], ['a,b'], ['a', 'b']]) }),
  };
};

/** The rules read as plainly as can be: sets of snapshots, no counting down. */
const expected = (group: readonly Snapshot[], rules: KeepRules): string[] => {
  if (Object.keys(rules).length === 0) return group.map(({ id }) => id);
  const sorted = [...group].sort((a, b) => b.time.getTime() - a.time.getTime() || (a.id < b.id ? -1 : 1));
  const isGood = ({ tags, time }: Snapshot): boolean => !tags.includes('partial') && time <= now;
  const past = sorted.filter(({ time }) => time <= now);
  const good = past.filter(isGood);
  const bad = past.slice(0, good[0] ? past.indexOf(good[0]) : past.length);
  const newest = good[0] ?? past[0];
  const isAlone = newest && good[1] && rules.within && good[1].time <= back(newest, rules.within);
  const second = isAlone ? good[1] : undefined;
  const ids = new Set(
    [
      ...sorted.filter(({ tags, time }) => tags.includes('pinned') || time > now),
      ...sorted.filter(({ tags }) =>
        (rules.tag ?? []).some((rule) => rule.split(',').every((tag) => tags.includes(tag))),
      ),
      ...past.filter(({ time }) => newest && rules.within && time > back(newest, rules.within)),
      ...past.filter(({ time }) => second && time <= second.time && time > back(second, rules.within ?? '')),
      ...[good, bad].flatMap((list) => periodsOf(list, rules)),
    ].map(({ id }) => id),
  );
  if (good.length > 0 && good[0]) ids.add(good[0].id);
  return [...ids];
};

const back = (newest: Snapshot, within: string): Date => {
  const [y = 0, m = 0, d = 0, h = 0] = ['y', 'm', 'd', 'h'].map((unit) =>
    Number(new RegExp(`(\\d+)${unit}`).exec(within)?.[1] ?? 0),
  );
  const shift = offsetOf(newest) * 60_000;
  const clock = new Date(newest.time.getTime() + shift);
  return new Date(
    Date.UTC(
      clock.getUTCFullYear() - y,
      clock.getUTCMonth() - m,
      clock.getUTCDate() - d,
      clock.getUTCHours() - h,
      clock.getUTCMinutes(),
      clock.getUTCSeconds(),
      clock.getUTCMilliseconds(),
    ) - shift,
  );
};

const offsetOf = ({ localTime = '' }: Snapshot): number =>
  offsets[/Z$|[+-]\d\d:\d\d$/.exec(localTime)?.[0] ?? 'Z'] ?? 0;

const periodsOf = (list: readonly Snapshot[], rules: KeepRules): Snapshot[] => {
  const keys: Record<string, (snapshot: Snapshot) => string> = {
    last: ({ id }) => id,
    hourly: ({ localTime = '' }) => localTime.slice(0, 13),
    daily: ({ localTime = '' }) => localTime.slice(0, 10),
    weekly: ({ localTime = '' }) =>
      String(Math.floor((Date.parse(localTime.slice(0, 10)) / 86_400e3 + 3) / 7)),
    monthly: ({ localTime = '' }) => localTime.slice(0, 7),
    yearly: ({ localTime = '' }) => localTime.slice(0, 4),
  };
  return Object.entries(keys).flatMap(([name, key]) => {
    const rule = rules[name as keyof KeepRules];
    const count = rule === 'unlimited' ? list.length : Number(rule ?? 0);
    const begins = list.filter(
      (snapshot, index) => index === 0 || key(snapshot) !== key(list[index - 1] as Snapshot),
    );
    return [...begins.slice(0, count), ...(begins.length < count ? list.slice(-1) : [])];
  });
};

test('a partial backup takes no complete snapshot’s place', () => {
  const whole = snapshotOf('shop', 1);
  const tags = ['source:shop~partial', 'kind:postgres-partial'];
  const partials = [2, 3, 4].map((minute) => snapshotOf('shop', minute, { tags }));
  const now = new Date(Date.UTC(2026, 10, 22));
  assert.ok(lastGoodOnes([whole, ...partials], now).includes(whole));
  const kept = applyRetention([whole, ...partials], { last: 1 }, now).filter(
    ({ reasons }) => reasons.length > 0,
  );
  assert.ok(kept.some(({ snapshot }) => snapshot === whole));
});
