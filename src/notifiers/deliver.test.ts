import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { jumpingClock } from '#lib/testing.ts';
import { deliver } from './deliver.ts';
import type { Notifier } from './notifier.ts';
import { noSignal, sampleNotice } from './testing.ts';

/** How often a side that answers nothing for so long is asked. */
const attemptsAt = async (answerMs: number): Promise<number> => {
  const clock = jumpingClock();
  let attempts = 0;
  const notifier: Notifier = {
    location: 'a mail server',
    async send() {
      attempts += 1;
      await clock.sleep(answerMs, noSignal);
      throw new HoldfastError('NOTIFIER_UNREACHABLE', 'no answer');
    },
    async [Symbol.asyncDispose]() {},
  };
  await assert.rejects(deliver(notifier, sampleNotice(), { clock, log: silentLog, signal: noSignal }));
  return attempts;
};

test('what refuses at once is tried four times, and what stays silent does not hold up the run for as many timeouts', async () => {
  assert.deepEqual(await Promise.all([0, 15_000, 30_000].map(attemptsAt)), [4, 2, 1]);
});
