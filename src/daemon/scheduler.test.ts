// A year of a daemon's life, in a second.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LastDue, ScheduledJob } from '#jobs/schedule.ts';
import type { Clock } from '#lib/clock.ts';
import { jumpingClock } from '#lib/testing.ts';
import { type Memory, Scheduler } from './scheduler.ts';

const hourMs = 3_600_000;
const at = (time: string): Date => new Date(time);

type Schedule = ScheduledJob['schedule'];
const job = (name: string, schedule: Schedule, overlap: 'skip' | 'wait' = 'skip'): ScheduledJob => ({
  name,
  verb: 'backup',
  schedule,
  overlap,
  seed: name,
});
const cron = (expression: string, more: { runMissed?: boolean; jitter?: string } = {}): Schedule => ({
  cron: expression,
  timeZone: 'Europe/Berlin',
  runMissed: true,
  ...more,
});

interface Event {
  readonly job: string;
  readonly what: 'run' | 'overlap' | 'missed';
  readonly due: string;
  readonly at: string;
  readonly covers: number;
}

interface Life {
  readonly from: string;
  readonly until: string;
  /** When there is no daemon; what it ran dies with it when 'killed'. */
  readonly down?: readonly { readonly from: string; readonly until: string; readonly killed?: true }[];
  readonly atOnce?: number;
  /** How long the n-th run of a job takes. */
  readonly takesMs: (job: string, run: number) => number;
}

/** What happens to these jobs in that time. */
const live = async (jobs: readonly ScheduledJob[], life: Life): Promise<Event[]> => {
  const clock = jumpingClock(at(life.from));
  const world = new World(clock);
  for (const down of [...(life.down ?? []), { from: life.until, until: life.until }]) {
    const stop = new AbortController();
    const scheduler = new Scheduler({
      clock,
      memory: world.memory,
      atOnce: life.atOnce ?? 100,
      longestSleepMs: 100 * 24 * hourMs, // a year has too many minutes for a test
      start: (due, time, covers) => world.run(due, time, covers, life.takesMs, stop.signal),
    });
    scheduler.replaceJobs(jobs);
    const running = scheduler.run(stop.signal);
    await clock.sleep(at(down.from).getTime() - clock.now().getTime());
    if ('killed' in down) world.kill();
    stop.abort();
    await running;
    await scheduler.idle();
    await clock.sleep(at(down.until).getTime() - clock.now().getTime());
  }
  return world.events;
};

/** Remembers, and runs jobs that only take their time. */
class World {
  readonly events: Event[] = [];
  readonly #clock: Clock;
  readonly #since = new Map<string, Date>();
  readonly #last = new Map<string, LastDue>();
  readonly #active = new Set<string>();
  readonly #runs = new Map<string, number>();
  #killed = new AbortController();
  mostAtOnce = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly memory: Memory = {
    since: (of, now) => {
      if (!this.#since.has(of.name)) this.#since.set(of.name, now);
      return this.#since.get(of.name) as Date;
    },
    last: (of) => this.#last.get(of.name),
    skip: (of, { due, covers, why }, now) => {
      this.#note(of.name, why, due, covers, now);
      this.#last.set(of.name, { due, covers, state: 'done', attempts: 1, endedAt: now });
    },
  };

  async run(
    { name }: ScheduledJob,
    due: Date,
    covers: number,
    takesMs: Life['takesMs'],
    stopped: AbortSignal,
  ): Promise<void> {
    assert.ok(!this.#active.has(name), `${name} runs beside itself`);
    assert.ok(!stopped.aborted, 'started after the end');
    this.#active.add(name);
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#active.size);
    this.#note(name, 'run', due, covers, this.#clock.now());
    const before = this.#last.get(name);
    const attempts = before?.due.getTime() === due.getTime() ? before.attempts + 1 : 1;
    const run = (this.#runs.get(name) ?? 0) + 1;
    this.#runs.set(name, run);
    const ended = await this.#clock.sleep(takesMs(name, run), this.#killed.signal).then(
      () => true,
      () => false,
    );
    this.#active.delete(name);
    const last = { due, covers, attempts };
    this.#last.set(
      name,
      ended ? { ...last, state: 'done', endedAt: this.#clock.now() } : { ...last, state: 'unfinished' },
    );
  }

  kill(): void {
    this.#killed.abort();
    this.#killed = new AbortController();
  }

  #note(name: string, what: Event['what'], due: Date, covers: number, now: Date): void {
    this.events.push({ job: name, what, due: due.toISOString(), at: now.toISOString(), covers });
  }
}

const halfHourMs = 1_800_000;
const halfHour = (time: number): number => time - (time % halfHourMs);

/** Every half hour of the time at which a clock on a wall in Berlin shows what fits, found one by one. */
const halfHoursThat = (
  from: string,
  until: string,
  fits: (shown: string, before: string) => boolean,
): string[] => {
  const format = new Intl.DateTimeFormat('sv', {
    timeZone: 'Europe/Berlin',
    dateStyle: 'short',
    timeStyle: 'short',
  });
  const found: string[] = [];
  let before = format.format(halfHour(at(from).getTime()));
  for (let time = halfHour(at(from).getTime() + halfHourMs); time < at(until).getTime(); time += halfHourMs) {
    const shown = format.format(time);
    if (fits(shown, before)) found.push(new Date(time).toISOString());
    before = shown;
  }
  return found;
};

const year = { from: '2026-01-01T00:00:30Z', until: '2027-01-01T00:00:30Z' };
const down = [
  { from: '2026-03-29T00:10:00Z', until: '2026-03-29T02:20:00Z' }, // the night with 23 hours
  { from: '2026-06-01T12:00:00Z', until: '2026-06-04T12:30:00Z' },
  { from: '2026-10-24T23:50:00Z', until: '2026-10-25T01:45:00Z' }, // the night with 25
];
const isDown = (time: string): (typeof down)[number] | undefined =>
  down.find((gap) => time >= at(gap.from).toISOString() && time < at(gap.until).toISOString());

/** One run at each due time, and one after each downtime for all that were due in it. */
const expectedRuns = (name: string, dues: readonly string[]): Event[] => {
  const runs = new Map<string, Event>();
  for (const due of dues) {
    const gap = isDown(due);
    const time = gap ? at(gap.until).toISOString() : due;
    runs.set(time, { job: name, what: 'run', due, at: time, covers: (runs.get(time)?.covers ?? 0) + 1 });
  }
  return [...runs.values()];
};

test('a year of jobs, the clock set forth and back and the daemon down for hours and days, gives exactly the runs it should', async () => {
  const jobs = [job('nightly', cron('30 2 * * *')), job('hourly', cron('0 * * * *'))];
  const events = await live(jobs, {
    ...year,
    down,
    takesMs: (name) => (name === 'nightly' ? 40 : 5) * 60_000,
  });
  const seen = new Set<string>();
  const nightly = halfHoursThat(year.from, year.until, (shown, before) => {
    const isThere =
      shown.slice(11) === '02:30' || (shown.slice(11) === '03:00' && before.slice(11) === '01:30');
    return isThere && !seen.has(shown.slice(0, 10)) && Boolean(seen.add(shown.slice(0, 10)));
  });
  assert.equal(nightly.length, 365);
  const hourly = halfHoursThat(year.from, year.until, (shown) => shown.endsWith(':00'));
  assert.equal(hourly.length, 8760);
  for (const [name, dues] of [
    ['nightly', nightly],
    ['hourly', hourly],
  ] as const)
    assert.deepEqual(
      events.filter((event) => event.job === name),
      expectedRuns(name, dues),
    );
});

test('missed runs are left out when they are not wanted, and remembered', async () => {
  const jobs = [job('nightly', cron('0 13 * * *', { runMissed: false }))];
  const events = await live(jobs, { ...year, down, takesMs: () => 0 });
  const missed = events.filter(({ what }) => what === 'missed');
  const june = { due: '2026-06-04T11:00:00.000Z', at: '2026-06-04T12:30:00.000Z', covers: 3 };
  assert.deepEqual(missed, [{ job: 'nightly', what: 'missed', ...june }]);
  assert.equal(
    events.reduce((sum, { covers }) => sum + covers, 0),
    365,
  );
});

test('an interval keeps its beat, whatever its runs take, and each due time is dealt with once', async () => {
  for (const overlap of ['skip', 'wait'] as const) {
    const takesMs = (_: string, run: number): number => (run % 7 === 0 ? 13 : 1) * hourMs; // some take three beats
    const jobs = [job('often', { every: '6h', runMissed: true }, overlap)];
    const events = await live(jobs, { ...year, down, takesMs });
    const beats = (at(events.at(-1)?.due ?? '').getTime() - at(year.from).getTime()) / (6 * hourMs) + 1;
    assert.ok(beats > 4 * 364);
    assert.equal(
      events.reduce((sum, { covers }) => sum + covers, 0),
      beats,
      overlap,
    );
    assert.equal(new Set(events.map(({ due }) => due)).size, events.length);
    assert.equal(
      events.some(({ what }) => what === 'overlap'),
      overlap === 'skip',
    );
    const offBeat = events.filter(({ what, due, at: started }) => what === 'run' && due !== started);
    assert.equal(
      offBeat.some(
        ({ at: started }) =>
          isDown(started) === undefined && !down.some(({ until }) => at(until).toISOString() === started),
      ),
      overlap === 'wait',
    );
  }
});

test('a run that dies with the daemon is run again, until it has died too often', async () => {
  const killed = Array.from({ length: 8 }, (_, n) => ({
    from: `2026-01-02T0${n}:30:00Z`,
    until: `2026-01-02T0${n}:31:00Z`,
    killed: true as const,
  }));
  const events = await live([job('nightly', cron('0 1 * * *'))], {
    from: '2026-01-01T12:00:00Z',
    until: '2026-01-03T12:00:00Z',
    down: killed,
    takesMs: () => 3 * hourMs,
  });
  assert.deepEqual(
    events.map(({ due, at: started }) => `${due.slice(5, 16)} at ${started.slice(5, 16)}`),
    [
      ...['00:00', '00:31', '01:31', '02:31', '03:31'].map((time) => `01-02T00:00 at 01-02T${time}`),
      '01-03T00:00 at 01-03T00:00',
    ],
  );
});

test('at most so many run at once, the longest due first', async () => {
  const jobs = Array.from({ length: 20 }, (_, n) => job(`job${n}`, cron(`${n % 3} 3 * * *`)));
  const events = await live(jobs, {
    from: '2026-01-01T00:00:00Z',
    until: '2026-01-08T00:00:00Z',
    atOnce: 3,
    takesMs: () => 10 * 60_000,
  });
  assert.equal(events.length, 20 * 7);
  const active = events.map(
    ({ at: started }) =>
      events.filter(
        (other) => other.at <= started && at(other.at).getTime() + 600_000 > at(started).getTime(),
      ).length,
  );
  assert.equal(Math.max(...active), 3);
  const firstNight = events.slice(0, 20).map(({ due }) => due);
  assert.deepEqual(firstNight, firstNight.toSorted());
});

test('jitter spreads what is due at one time, and is the same after a restart', async () => {
  const jobs = Array.from({ length: 50 }, (_, n) => job(`job${n}`, cron('0 3 * * *', { jitter: '30m' })));
  const life = { from: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z', takesMs: () => 0 };
  const events = await live(jobs, life);
  const again = await live(jobs, {
    ...life,
    down: [{ from: '2026-01-01T01:59:00Z', until: '2026-01-01T01:59:30Z' }],
  });
  assert.deepEqual(again, events);
  const late = events.map(({ due, at: started }) => at(started).getTime() - at(due).getTime());
  assert.ok(
    Math.min(...late) < 5 * 60_000 && Math.max(...late) > 25 * 60_000 && Math.max(...late) < 30 * 60_000,
  );
});
