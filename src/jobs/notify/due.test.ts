// What no run tells by itself, with time that is handed in and a real web server that hears of it.
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { openCatalog } from '#catalog/catalog.ts';
import { openDueTimes } from '#catalog/due-times.ts';
import { failed, succeeded, testCatalog } from '#catalog/testing.ts';
import { loadText } from '#config/testing.ts';
import { silentLog } from '#lib/log.ts';
import { thisProcess } from '#lib/process-identity.ts';
import { type HttpReply, startHttp } from '../../../test/servers/http.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { scheduledJob, scheduleKey } from '../schedule.ts';
import { tellWhatIsDue } from './due.ts';
import type { TellContext } from './notify.ts';

const folder = temporaryFolder('due');

/** A job that should run at half past three, and somebody who is told. */
const place = async (notify = '[chat]', reply?: () => HttpReply | undefined) => {
  const web = await startHttp(reply);
  after(() => web[Symbol.asyncDispose]());
  const here = testCatalog();
  const config = await loadText(`
repositories: { nearby: { store: ${folder}, password: p } }
sources: { media: { kind: files, path: ${folder} } }
notifiers: { chat: { kind: webhook, url: "${web.url}" } }
jobs:
  nightly:
    backup: [media]
    to: [nearby]
    notify: ${notify}
    schedule: { cron: "30 3 * * *", timeZone: UTC }
`);
  let now = new Date('2026-11-20T12:00:00Z');
  const [job] = [...config.jobs.values()].flatMap(scheduledJob);
  assert.ok(job);
  using dueTimes = openDueTimes(here.catalog.path, assert.fail as (text: string) => never);
  dueTimes.begin(job.name, scheduleKey(job), now);
  const clock = { now: () => now, sleep: async () => {} };
  const signal = new AbortController().signal;
  const context: TellContext = { config, catalog: here.catalog, clock, log: silentLog, signal };
  const told = async (time: string): Promise<string[]> => {
    now = new Date(time);
    await tellWhatIsDue(context);
    return web.requests.splice(0).map(({ body }) => JSON.parse(body).title);
  };
  return { ...here, catalog: here.catalog, told, [Symbol.dispose]: () => here[Symbol.dispose]() };
};

const run = (due: string) => ({
  job: 'nightly',
  verb: 'backup',
  startedAt: new Date(due),
  due: new Date(due),
});

test('a run that did not come is told once, an hour later, though no daemon is there', async () => {
  using here = await place();
  assert.deepEqual(await here.told('2026-11-21T04:00:00Z'), [], 'it may yet come');
  const [title, ...others] = await here.told('2026-11-21T05:00:00Z');
  assert.match(title ?? '', /^nightly did not run: it was due 2026-11-2\d/);
  assert.equal(others.length, 0);
  assert.deepEqual(await here.told('2026-11-21T05:10:00Z'), [], 'it is told once');
  const [again] = await here.told('2026-11-22T05:00:00Z');
  assert.match(again ?? '', /^nightly still did not run, since .*, 2 runs: /);
});

test('a run that came is not missed', async () => {
  using here = await place();
  here.catalog.endRun(
    here.catalog.beginRun(run('2026-11-21T03:30:00Z')),
    succeeded(new Date('2026-11-21T03:31:00Z')),
  );
  assert.deepEqual(await here.told('2026-11-21T05:00:00Z'), []);
});

test('a run whose process was killed is told, and so is one that a daemon passed over', async () => {
  using here = await place();
  {
    const gone = { ...thisProcess(), pid: 2 ** 22 + 1 };
    using other = openCatalog(here.catalog.path, { warn: assert.fail, process: gone });
    other.beginRun(run('2026-11-21T03:30:00Z'));
  }
  const [title] = await here.told('2026-11-21T03:50:00Z');
  assert.equal(title, 'nightly failed: its process ended before it could say how it went');
  assert.deepEqual(await here.told('2026-11-21T04:00:00Z'), []);
  here.catalog.endRun(here.catalog.beginRun(run('2026-11-22T03:30:00Z')), {
    ...succeeded(new Date('2026-11-22T09:00:00Z')),
    state: 'skipped',
    error: { code: 'MISSED', message: 'nobody was there' },
  });
  assert.match(
    (await here.told('2026-11-22T09:10:00Z')).join(),
    /^nightly still did not run, since .*, 2 runs/,
  );
});

test('what nobody took is told again when the notifier has had a rest', async () => {
  let works = false;
  using here = await place('[chat]', () => (works ? undefined : { status: 403 }));
  here.catalog.endRun(
    here.catalog.beginRun(run('2026-11-21T03:30:00Z')),
    failed(new Date('2026-11-21T03:31:00Z')),
  );
  assert.equal((await here.told('2026-11-21T03:40:00Z')).length, 1);
  works = true;
  assert.deepEqual(await here.told('2026-11-21T03:50:00Z'), []);
  assert.deepEqual(await here.told('2026-11-21T04:00:00Z'), ['nightly failed: no server at db:5432']);
  assert.deepEqual(await here.told('2026-11-21T04:20:00Z'), []);
});

test('a digest comes once a day at its time, with every run since the last one', async () => {
  using here = await place('[{ to: chat, when: digest }]');
  const { catalog } = here;
  for (const time of ['2026-11-20T12:00:00Z', '2026-11-20T12:10:00Z'])
    assert.deepEqual(await here.told(time), [], 'nor the first one before');
  catalog.endRun(catalog.beginRun(run('2026-11-21T03:30:00Z')), succeeded(new Date('2026-11-21T03:31:00Z')));
  assert.deepEqual(await here.told('2026-11-21T12:00:00Z'), ['digest: 1 run of 1 job, all well']);
  assert.deepEqual(await here.told('2026-11-21T12:10:00Z'), []);
  catalog.endRun(catalog.beginRun(run('2026-11-22T03:30:00Z')), failed(new Date('2026-11-22T03:31:00Z')));
  assert.deepEqual(await here.told('2026-11-22T12:00:00Z'), ['digest: 1 run of 1 job, 1 not well']);
});

test('a digest comes once on the day whose clock jumps over its time', async () => {
  const zoneBefore = process.env.TZ;
  process.env.TZ = 'Europe/Berlin';
  try {
    using here = await place('[{ to: chat, when: digest, at: "02:30" }]');
    const times = ['27T01:30', '27T01:40', '27T23:10', '28T00:50', '28T01:30', '28T01:40', '29T00:30'];
    const told = [];
    await here.told('2027-03-26T12:00:00Z');
    for (const time of times) if ((await here.told(`2027-03-${time}:00Z`)).length > 0) told.push(time);
    assert.deepEqual(told, ['27T01:30', '28T01:30', '29T00:30']);
  } finally {
    if (zoneBefore === undefined) delete process.env.TZ;
    else process.env.TZ = zoneBefore;
  }
});

suite('after a clock was a year ahead for a while', () => {
  test('a digest comes every day', async () => {
    using here = await place('[{ to: chat, when: digest }]');
    const { catalog } = here;
    catalog.endRun(
      catalog.beginRun(run('2027-11-21T03:30:00Z')),
      succeeded(new Date('2027-11-21T03:31:00Z')),
    );
    await here.told('2026-11-20T12:00:00Z');
    for (const time of ['2026-11-21T12:00:00Z', '2027-11-21T12:00:00Z'])
      assert.equal((await here.told(time)).length, 1);
    assert.deepEqual(await here.told('2026-11-21T13:00:00Z'), []);
    catalog.endRun(catalog.beginRun(run('2026-11-22T03:30:00Z')), failed(new Date('2026-11-22T03:31:00Z')));
    assert.deepEqual(await here.told('2026-11-22T12:00:00Z'), ['digest: 1 run of 1 job, 1 not well']);
    assert.deepEqual(await here.told('2026-11-22T13:00:00Z'), []);
  });

  test('a notifier that failed then is tried again', async () => {
    let works = false;
    using here = await place('[chat]', () => (works ? undefined : { status: 403 }));
    const { catalog } = here;
    const due = '2027-11-21T03:30:00Z';
    catalog.endRun(catalog.beginRun(run(due)), failed(new Date('2027-11-21T03:31:00Z')));
    assert.equal((await here.told('2027-11-21T03:40:00Z')).length, 1);
    works = true;
    assert.deepEqual(await here.told('2026-11-21T03:50:00Z'), ['nightly failed: no server at db:5432']);
    assert.deepEqual(await here.told('2026-11-21T04:20:00Z'), []);
  });
});
