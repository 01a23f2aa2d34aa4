import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { openCatalog } from './catalog.ts';
import { openDueTimes } from './due-times.ts';
import { minute, succeeded, testCatalog } from './testing.ts';

const scheduled = { job: 'nightly', verb: 'backup', startedAt: minute(1), due: minute(0), covers: 2 };
const gone = { host: hostname(), pid: 2 ** 22 + 1, started: '' };

test('a schedule counts from when it was first seen, and another one anew', () => {
  using held = testCatalog();
  using dueTimes = openDueTimes(held.catalog.path, (text) => assert.fail(text));
  assert.equal(dueTimes.since('nightly', 'daily'), undefined);
  dueTimes.begin('nightly', 'daily', minute(0));
  assert.deepEqual(dueTimes.since('nightly', 'daily'), minute(0));
  assert.equal(dueTimes.since('nightly', 'hourly'), undefined);
});

test('the newest due time is known with what became of it', () => {
  using held = testCatalog();
  using dueTimes = openDueTimes(held.catalog.path, (text) => assert.fail(text));
  assert.equal(dueTimes.last('nightly'), undefined);
  held.catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(9) }); // nobody's schedule asked for it
  const id = held.catalog.beginRun(scheduled);
  const begun = { due: minute(0), covers: 2, attempts: 1 };
  assert.deepEqual(dueTimes.last('nightly'), { ...begun, state: 'running' });
  held.catalog.endRun(id, succeeded(minute(3)));
  assert.deepEqual(dueTimes.last('nightly'), { ...begun, state: 'done', endedAt: minute(3) });
});

test('a due time whose process is gone is unfinished, with the number of its runs', () => {
  using held = testCatalog();
  using dueTimes = openDueTimes(held.catalog.path, (text) => assert.fail(text));
  using other = openCatalog(held.catalog.path, { warn: (text) => assert.fail(text), process: gone });
  other.beginRun(scheduled);
  other.beginRun(scheduled);
  assert.deepEqual(dueTimes.last('nightly'), { due: minute(0), covers: 2, attempts: 2, state: 'unfinished' });
});

test('a cancelled run is wanted again only when it was said to be', () => {
  for (const again of [false, true]) {
    using held = testCatalog();
    using dueTimes = openDueTimes(held.catalog.path, (text) => assert.fail(text));
    const id = held.catalog.beginRun(scheduled);
    if (again) dueTimes.wantAgain(['nightly']);
    held.catalog.endRun(id, { ...succeeded(minute(2)), state: 'cancelled', exitStatus: 130 });
    assert.equal(dueTimes.last('nightly')?.state, again ? 'unfinished' : 'done');
  }
});

test('a run that was cancelled before it could be named is wanted again, too', () => {
  using held = testCatalog();
  using dueTimes = openDueTimes(held.catalog.path, assert.fail);
  dueTimes.wantAgain(['nightly']); // its process had not come so far
  const id = held.catalog.beginRun(scheduled);
  held.catalog.endRun(id, { ...succeeded(minute(2)), state: 'cancelled', exitStatus: 130 });
  dueTimes.wantAgain(['nightly']);
  assert.equal(dueTimes.last('nightly')?.state, 'unfinished');
});

test('a due time without a run is a run that was skipped, and says why', () => {
  using held = testCatalog();
  using dueTimes = openDueTimes(held.catalog.path, (text) => assert.fail(text));
  const error = { code: 'MISSED', message: 'nobody was there' };
  const noRun = {
    job: 'nightly',
    verb: 'backup',
    due: minute(0),
    covers: 3,
    state: 'skipped' as const,
    error,
  };
  dueTimes.remember(noRun, minute(5));
  const [run] = held.catalog.runs();
  assert.ok(run?.state === 'skipped');
  assert.deepEqual([run.covers, run.error], [3, error]);
  assert.equal(dueTimes.last('nightly')?.state, 'done');
});

test('a run under a clock that was far ahead does not hide that a later one is wanted again', () => {
  using held = testCatalog();
  const now = (): Date => minute(5);
  using dueTimes = openDueTimes(held.catalog.path, assert.fail, { now });
  const cancelled = { ...succeeded(minute(2)), state: 'cancelled' as const, exitStatus: 130 };
  const ahead = { ...scheduled, due: new Date(minute(0).getTime() + 30 * 86_400_000) };
  held.catalog.endRun(held.catalog.beginRun(ahead), cancelled);
  held.catalog.endRun(held.catalog.beginRun(scheduled), cancelled);
  dueTimes.wantAgain(['nightly']);
  assert.equal(dueTimes.last('nightly')?.state, 'unfinished');
});

test('what a clock that was far ahead remembered does not keep a job from running', () => {
  using held = testCatalog();
  const yearMs = 365 * 86_400_000;
  const shifted = (ms: number) => ({ now: () => new Date(minute(9).getTime() - ms), sleep: async () => {} });
  using ahead = openDueTimes(held.catalog.path, assert.fail, shifted(0));
  ahead.begin('nightly', 'daily', minute(0));
  held.catalog.endRun(held.catalog.beginRun(scheduled), succeeded(minute(3)));
  assert.equal(ahead.last('nightly')?.state, 'done');
  using back = openDueTimes(held.catalog.path, assert.fail, shifted(yearMs));
  assert.deepEqual([back.since('nightly', 'daily'), back.last('nightly')], [undefined, undefined]);
  using hourBack = openDueTimes(held.catalog.path, assert.fail, shifted(3_600_000));
  assert.equal(hourBack.last('nightly')?.state, 'done');
});
