import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { lateSignal } from './outliving.ts';

test('what outlives a cancelled work is ended after a while, for the same reason', async () => {
  const work = new AbortController();
  using late = lateSignal(work.signal, 1);
  assert.equal(late.signal.aborted, false);
  const ended = once(late.signal, 'abort');
  work.abort('SIGINT');
  await ended;
  assert.equal(late.signal.reason, 'SIGINT');
});
