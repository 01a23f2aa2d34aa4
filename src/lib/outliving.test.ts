import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { lateSignal } from './outliving.ts';

test('what outlives a cancelled work is ended after a while, for the same reason', async () => {
  const work = new AbortController();
  const late = lateSignal(work.signal, 1);
  assert.equal(late.aborted, false);
  const alive = setInterval(() => {}, 1000);
  const ended = once(late, 'abort');
  work.abort('SIGINT');
  await ended;
  clearInterval(alive);
  assert.equal(late.reason, 'SIGINT');
});
