import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAhead } from './ahead.ts';

const now = new Date('2026-11-21T12:00:00Z');

test('a time is ahead when no clock can show it yet', () => {
  for (const text of [
    ...['2099-01-01 00:00:00', '2099-01-01', '12026-01-01 00:00:00', 'infinity'],
    ...['2026-11-21 12:00:01+00', '2026-11-21T12:00:01.5Z', '2026-11-21 14:00:01 +02:00'],
    ...['2026-11-21 08:30:01-0330', '2026-11-22 02:00:01'],
  ])
    assert.equal(isAhead(text, now), true, text);
  for (const text of [
    ...['2026-11-21 12:00:00+00', '2026-11-21 13:59:59+02', '2026-11-22 01:59:59', '2026-11-21'],
    ...['0044-03-15 00:00:00+00 BC', '-infinity', '1795262400', '22/11/2026', 'text', ''],
  ])
    assert.equal(isAhead(text, now), false, text);
});
