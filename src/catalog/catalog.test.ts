import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { thisProcess } from '#lib/process-identity.ts';
import { openCatalog } from './catalog.ts';
import { catalogPath } from './catalog-path.ts';
import { errorReport } from './run.ts';
import { newRunId } from './run-id.ts';
import { failed, minute, storedSource, succeeded, testCatalog } from './testing.ts';

const usage = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HoldfastError);
  assert.equal(error.code, 'USAGE');
  assert.match(error.message, pattern);
  return true;
};

test('a run is told as it was recorded, with its sources and items', () => {
  using here = testCatalog();
  const { catalog } = here;
  const id = catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(0) });
  const denied = { code: 'SOURCE_DENIED', message: 'cannot read table t', hint: 'grant select on t' };
  catalog.recordItem(id, { source: 'shop', item: 'public.orders', bytes: 7, rows: 3 });
  catalog.recordItem(id, { source: 'shop', item: 'public.t', bytes: 0, error: denied });
  catalog.recordSource(id, storedSource);
  const { snapshot, ...withoutSnapshot } = storedSource;
  const skipped = { ...withoutSnapshot, source: 'media', state: 'skipped', error: denied } as const;
  catalog.recordSource(id, skipped);
  catalog.endRun(id, failed(minute(5)));

  assert.deepEqual(catalog.run(id), {
    run: {
      id,
      job: 'nightly',
      verb: 'backup',
      startedAt: minute(0),
      process: thisProcess(),
      ...failed(minute(5)),
    },
    sources: [storedSource, skipped],
    items: [
      { source: 'shop', item: 'public.orders', bytes: 7, rows: 3 },
      { source: 'shop', item: 'public.t', bytes: 0, error: denied },
    ],
  });
});

test('runs are listed newest first, of one job and up to a limit when asked', () => {
  using here = testCatalog();
  const { catalog } = here;
  const [a, b, c, d] = ['nightly', 'nightly', undefined, 'check'].map((job, n) =>
    catalog.beginRun({ ...(job && { job }), verb: 'backup', startedAt: minute(n) }),
  );
  assert.deepEqual(
    catalog.runs().map(({ id }) => id),
    [d, c, b, a],
  );
  assert.deepEqual(
    catalog.runs({ job: 'nightly' }).map(({ id }) => id),
    [b, a],
  );
  assert.deepEqual(
    catalog.runs({ limit: 1 }).map(({ id }) => id),
    [d],
  );
  assert.equal(catalog.run('latest').run.id, d);
});

test('a run is found by the beginning of its id when no other begins so', () => {
  using here = testCatalog();
  const { catalog } = here;
  assert.throws(() => catalog.run('latest'), usage(/^there are no runs yet$/));
  const first = catalog.beginRun({ verb: 'backup', startedAt: minute(0) });
  const second = catalog.beginRun({ verb: 'backup', startedAt: minute(1) });
  assert.equal(catalog.run('20261121-0300').run.id, first);
  assert.equal(catalog.run(second).run.id, second);
  assert.throws(
    () => catalog.run('20261121'),
    usage(new RegExp(`^several runs begin with "20261121": ${second}, ${first}$`)),
  );
  assert.throws(() => catalog.run('x%'), usage(/^no run's id begins with "x%"$/));
});

test('status tells the last run and the last success of each job', () => {
  using here = testCatalog();
  const { catalog } = here;
  const run = (job: string, n: number, end: typeof succeeded): string => {
    const id = catalog.beginRun({ job, verb: 'backup', startedAt: minute(n) });
    catalog.endRun(id, end(minute(n + 1)));
    return id;
  };
  const good = run('nightly', 0, succeeded);
  const bad = run('nightly', 2, failed);
  const never = run('hourly', 3, failed);
  catalog.beginRun({ verb: 'backup', startedAt: minute(9) });
  assert.deepEqual(
    catalog.status().map(({ job, last, lastSuccess }) => [job, last.id, last.state, lastSuccess?.id]),
    [
      ['hourly', never, 'failed', undefined],
      ['nightly', bad, 'failed', good],
    ],
  );
});

test('a run ends once', () => {
  using here = testCatalog();
  const id = here.catalog.beginRun({ verb: 'check', startedAt: minute(0) });
  here.catalog.endRun(id, succeeded(minute(1)));
  assert.throws(() => here.catalog.endRun(id, failed(minute(2))), /has no running run/);
  assert.equal(here.catalog.run(id).run.state, 'succeeded');
});

test('a run whose process is gone, or whose pid is another process by now, was interrupted', () => {
  using here = testCatalog();
  const self = thisProcess();
  const stateOf = (process: typeof self): string => {
    using catalog = openCatalog(here.catalog.path, { warn: assert.fail, process });
    return catalog.run(catalog.beginRun({ verb: 'backup', startedAt: minute(0) })).run.state;
  };
  assert.equal(stateOf(self), 'running');
  assert.equal(stateOf({ ...self, pid: 2 ** 22 + 1 }), 'interrupted');
  assert.equal(stateOf({ ...self, started: 'before the last boot' }), 'interrupted');
  assert.equal(stateOf({ ...self, host: 'elsewhere', pid: 2 ** 22 + 1 }), 'running');
});

test('names of good items are forgotten after thirty runs of the job, failures never', () => {
  using here = testCatalog();
  const { catalog } = here;
  const run = (n: number, verb = 'backup'): string => {
    const id = catalog.beginRun({ job: 'nightly', verb, startedAt: minute(n) });
    catalog.recordItem(id, { source: 's', item: 'good', bytes: 1 });
    catalog.recordItem(id, { source: 's', item: 'bad', bytes: 1, error: { code: 'FAILED', message: 'no' } });
    catalog.endRun(id, succeeded(minute(n)));
    return id;
  };
  const items = (id: string): string[] => catalog.run(id).items.map(({ item }) => item);
  const check = run(0, 'check');
  const ids = Array.from({ length: 31 }, (_, n) => run(n + 1));
  assert.deepEqual(items(ids[0]!), ['bad']);
  assert.deepEqual(items(ids[1]!), ['good', 'bad']);
  assert.deepEqual(items(check), ['good', 'bad']);
});

test('a password in an error does not reach the catalog', () => {
  using here = testCatalog();
  const id = here.catalog.beginRun({ verb: 'backup', startedAt: minute(0) });
  const error = new HoldfastError('SOURCE_UNREACHABLE', 'no answer from postgres://u:hunter2@db/shop', {
    hint: 'try psql "postgres://db/shop?password=hunter2"',
  });
  here.catalog.endRun(id, { ...failed(minute(1)), error: errorReport(error) });
  here.catalog[Symbol.dispose]();
  assert.equal(readFileSync(here.catalog.path).includes('hunter2'), false);
});

test('ids of runs sort by time and fit a tag', () => {
  const ids = [0, 1, 2].map((n) => newRunId(minute(n)));
  assert.deepEqual(ids.toSorted(), ids);
  assert.match(ids[0] ?? '', /^20261121-030000-[2-9a-z]{4}$/);
  assert.equal(new Set(Array.from({ length: 50 }, () => newRunId(minute(0)))).size > 45, true);
});

test('the catalog lies where it is told, else in the state folder', () => {
  assert.equal(
    catalogPath('/from/file', { HOLDFAST_CATALOG: '/from/env', XDG_STATE_HOME: '/s' }),
    '/from/env',
  );
  assert.equal(catalogPath('/from/file', { XDG_STATE_HOME: '/s' }), '/from/file');
  assert.equal(catalogPath(undefined, { XDG_STATE_HOME: '/s' }), '/s/holdfast/catalog.db');
  const isRoot = process.getuid?.() === 0;
  const usual = isRoot ? '/var/lib/holdfast/catalog.db' : '/h/.local/state/holdfast/catalog.db';
  assert.equal(catalogPath(undefined, { HOME: '/h' }), usual);
});
