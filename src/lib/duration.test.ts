import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs } from './duration.ts';
import { duration } from './duration-schema.ts';

test('a length of time is the sum of its parts', () => {
  assert.equal(durationMs('90s'), 90_000);
  assert.equal(durationMs('1h30m'), 5_400_000);
  assert.equal(durationMs('1w2d'), 9 * 86_400_000);
});

test('what has no unit, no number or no length is no length of time', () => {
  for (const text of ['', '15', 'm', '0s', '1.5h', '-1m', '1 h', '5y'])
    assert.throws(() => durationMs(text), RangeError);
  assert.match(duration().safeParse('15').error?.issues[0]?.message ?? '', /such as/);
});
