// A year of nights, with time that is handed in: who hears what, and how often.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testCatalog } from '#catalog/testing.ts';
import type { Subscription } from '#config/notify.ts';
import { loadText } from '#config/testing.ts';
import { silentLog } from '#lib/log.ts';
import { Secret } from '#lib/secret.ts';
import { startHttp } from '../../../test/servers/http.ts';
import { freePort } from '../../../test/servers/process.ts';
import { makeNotice, type TellContext, tell } from './notify.ts';
import type { Occurrence } from './rules.ts';

const hourMs = 3_600_000;
const web = await startHttp();
after(() => web[Symbol.asyncDispose]());
const config = await loadText(`notifiers:
  ops: { kind: webhook, url: "${web.url}/ops" }
  all: { kind: webhook, url: "${web.url}/all" }
`);
const rule = (to: string, more: Partial<Subscription> = {}): Subscription => ({
  to,
  remind: '12h',
  at: '07:00',
  ...more,
});

const run = (event: Occurrence['event'], text = ''): Occurrence => ({
  subject: 'job hourly',
  name: 'hourly',
  event,
  text,
  paragraphs: [],
});

/** What each was told, in order. */
const heard = (): Record<
  string,
  { event: string; thread?: { id: string; runs: number; first: boolean } }[]
> => {
  const all = web.requests.splice(0).map(({ url, body }) => ({ to: url.slice(1), ...JSON.parse(body) }));
  return Object.fromEntries([...Map.groupBy(all, ({ to }) => to)]);
};

test('a year of runs, some of them bad for days, is told in as many words as it needs', async () => {
  using here = testCatalog();
  let now = new Date('2026-01-01T00:00:00Z').getTime();
  const context: TellContext = {
    config,
    catalog: here.catalog,
    clock: { now: () => new Date(now), sleep: async () => {} },
    log: silentLog,
    signal: new AbortController().signal,
  };
  const ops = [rule('ops')];
  // Every four hours: from the 30th day on nothing works for three days, and now and then a table is missing.
  const eventAt = (n: number): Occurrence['event'] => {
    const day = Math.floor(n / 6);
    if (day >= 30 && day < 33) return 'failure';
    return n % 500 === 499 ? 'partial' : 'success';
  };
  for (let n = 0; n < 365 * 6; n += 1) {
    await tell(run(eventAt(n), 'no server'), ops, context);
    now += 4 * hourMs;
  }
  const told = heard().ops ?? [];
  assert.deepEqual(
    told.map(({ event, thread }) => `${event} ${thread?.runs}`),
    [
      // Three days are 18 runs: the first one, then every twelve hours, and the end.
      ...['failure 1', 'failure 4', 'failure 7', 'failure 10', 'failure 13', 'failure 16', 'recovery 18'],
      ...[
        'partial 1',
        'recovery 1',
        'partial 1',
        'recovery 1',
        'partial 1',
        'recovery 1',
        'partial 1',
        'recovery 1',
      ],
    ],
  );
  assert.equal(new Set(told.map(({ thread }) => thread?.id)).size, 5, 'each trouble is a thread of its own');
  assert.deepEqual(
    told.slice(0, 7).map(({ thread }) => thread?.first),
    [true, false, false, false, false, false, false],
  );
  assert.deepEqual(here.catalog.notices.troubles(), []);
});

test('who was told by a clock that was a year ahead is reminded as others are, and hears of the end', async () => {
  using here = testCatalog();
  let now = Date.parse('2027-01-01T00:00:00Z');
  const clock = { now: () => new Date(now), sleep: async () => {} };
  const signal = new AbortController().signal;
  const context: TellContext = { config, catalog: here.catalog, clock, log: silentLog, signal };
  await tell(run('failure'), [rule('ops')], context);
  now = Date.parse('2026-01-01T00:00:00Z');
  for (const event of ['failure', 'failure', 'failure', 'failure', 'success'] as const) {
    await tell(run(event), [rule('ops')], context);
    now += 4 * hourMs;
  }
  assert.deepEqual(
    (heard().ops ?? []).map(({ event, thread }) => `${event} ${thread?.runs}`),
    ['failure 1', 'failure 2', 'failure 5', 'recovery 5'],
  );
});

test('whoever is named twice is told once, and whoever wants everything hears everything', async () => {
  using here = testCatalog();
  const context: TellContext = {
    config,
    catalog: here.catalog,
    clock: { now: () => new Date(), sleep: async () => {} },
    log: silentLog,
    signal: new AbortController().signal,
  };
  const everybody = [rule('ops'), rule('ops', { when: ['failure'] }), rule('all', { when: ['always'] })];
  for (const event of ['start', 'failure', 'failure', 'success', 'success'] as const)
    await tell(run(event), everybody, context);
  const { ops = [], all = [] } = heard();
  assert.deepEqual(
    ops.map(({ event }) => event),
    ['failure', 'recovery'],
  );
  assert.deepEqual(
    all.map(({ event }) => event),
    ['start', 'failure', 'failure', 'recovery', 'success'],
  );
});

test('notifiers that fail together are tried once each, and whoever can be told hears of all', async () => {
  using here = testCatalog();
  const waits: number[] = [];
  const context: TellContext = {
    config: await loadText(`notifiers:
  one: { kind: command, command: "false" }
  two: { kind: webhook, url: "http://127.0.0.1:${await freePort()}" }
  three: { kind: webhook, url: "http://127.0.0.1:${await freePort()}" }
  all: { kind: webhook, url: "${web.url}/all" }
`),
    catalog: here.catalog,
    clock: { now: () => new Date(), sleep: async (ms) => void waits.push(ms) },
    log: silentLog,
    signal: new AbortController().signal,
  };
  const everybody = ['one', 'two', 'three', 'all'].map((name) => rule(name));
  await tell(run('failure', 'no server'), everybody, context);
  assert.equal(waits.length, 6, 'three before the further attempts of each of two');
  assert.deepEqual(
    (heard().all ?? []).map(({ event }) => event),
    ['failure', 'trouble', 'trouble', 'trouble'],
  );
});

test('without a catalog every trouble is told as if it were new', async () => {
  const signal = new AbortController().signal;
  const clock = { now: () => new Date(), sleep: async () => {} };
  const context: TellContext = { config, catalog: undefined, clock, log: silentLog, signal };
  for (const event of ['failure', 'failure', 'success'] as const)
    await tell(run(event), [rule('ops')], context);
  assert.deepEqual(
    (heard().ops ?? []).map(({ event }) => event),
    ['failure', 'failure'],
  );
});

test('a secret that was read is in no word of a notice', () => {
  new Secret('s3cr3t-key').reveal();
  const notice = makeNotice(
    {
      event: 'failure',
      title: 'failed: s3cr3t-key\nis wrong',
      paragraphs: ['postgres://u:hunter2@db: s3cr3t-key'],
    },
    new Date(),
  );
  assert.ok(!/s3cr3t-key|hunter2/.test(JSON.stringify(notice)));
  assert.ok(!notice.title.includes('\n'));
});
