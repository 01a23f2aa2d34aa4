import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery } from './notice.ts';
import { minute, testCatalog } from './testing.ts';

test('a trouble lasts from the first bad run to the end, and the next one is another', () => {
  using here = testCatalog();
  const { notices } = here.catalog;
  const first = notices.worsen('job nightly', 'failure', 'no server', minute(0));
  const second = notices.worsen('job nightly', 'partial', 'a table', minute(5));
  assert.deepEqual({ ...second }, { ...first, event: 'partial', text: 'a table', last: minute(5), runs: 2 });
  notices.worsen('job hourly', 'failure', 'no store', minute(6));
  assert.deepEqual(
    notices.troubles().map(({ subject }) => subject),
    ['job nightly', 'job hourly'],
  );
  assert.equal(notices.end('job nightly', minute(7))?.id, first.id);
  assert.equal(notices.end('job nightly', minute(8)), undefined);
  assert.notEqual(notices.worsen('job nightly', 'failure', 'again', minute(9)).id, first.id);
});

test('who was told of what, and which notifiers work, is remembered', () => {
  using here = testCatalog();
  const { notices } = here.catalog;
  const told = (at: number, more: Partial<Delivery>): Delivery => {
    const delivery = { at: minute(at), notifier: 'ops', event: 'failure', title: 't', attempts: 1, ...more };
    notices.record(delivery);
    return delivery;
  };
  const error = { code: 'NOTIFIER_UNREACHABLE', message: 'nobody there' };
  const good = told(0, { trouble: 'a', job: 'nightly', run: 'r1' });
  const bad = told(1, { trouble: 'a', attempts: 4, error });
  const digest = told(2, { notifier: 'boss', event: 'digest' });
  assert.deepEqual(notices.lastTold('ops', { trouble: 'a' }, minute(3)), good);
  assert.equal(notices.lastTold('boss', { trouble: 'a' }, minute(3)), undefined);
  assert.deepEqual(notices.lastTold('boss', { event: 'digest' }, minute(3)), digest);
  assert.deepEqual(notices.notifiers(minute(3)), [
    { notifier: 'boss', last: digest, worked: minute(2) },
    { notifier: 'ops', last: bad, worked: minute(0) },
  ]);
});
