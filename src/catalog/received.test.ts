import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Received } from './received.ts';
import { minute, testCatalog } from './testing.ts';

const last: Received = {
  ...{ job: 'follow', target: 'copy', source: 'shop', snapshot: 'ab'.repeat(32), whole: false },
  ...{ takenAt: minute(1), receivedAt: minute(2) },
};
const unreachable = { code: 'STORE_UNREACHABLE', message: 'no answer', hint: 'is it switched on?' };

test('what a receiver took in last is read as it was written, and no other', () => {
  using kept = testCatalog();
  const { received } = kept.catalog;
  received.record({ ...last, snapshot: 'cd'.repeat(32), whole: true });
  received.record(last);
  received.record({ ...last, target: 'another' });
  assert.deepEqual(received.all(), [{ ...last, target: 'another' }, last]);
});

test('a receiver fails since its first failure in a row, for the reason of the last, until a turn goes well', () => {
  using kept = testCatalog();
  const { received } = kept.catalog;
  received.recordTurn(last, minute(3), unreachable);
  const error = { code: 'FAILED', message: 'another reason' };
  received.recordTurn(last, minute(4), error);
  assert.deepEqual(received.failures(), [{ job: 'follow', target: 'copy', since: minute(3), error }]);
  received.recordTurn(last, minute(5), undefined);
  assert.deepEqual(received.failures(), []);
  received.recordTurn(last, minute(6), unreachable);
  assert.deepEqual(received.failures(), [
    { job: 'follow', target: 'copy', since: minute(6), error: unreachable },
  ]);
});
