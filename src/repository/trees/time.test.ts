import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateToNanos } from '#lib/file-times.ts';
import { seededRandom } from '#lib/random.ts';
import { formatTime, parseTime } from './time.ts';

const times: readonly (readonly [nanos: bigint, text: string])[] = [
  [0n, '1970-01-01T00:00:00Z'],
  [1n, '1970-01-01T00:00:00.000000001Z'],
  [1_795_230_245_123_456_789n, '2026-11-21T03:04:05.123456789Z'],
  [1_795_230_245_120_000_000n, '2026-11-21T03:04:05.12Z'],
  [-1n, '1969-12-31T23:59:59.999999999Z'],
  [-1_500_000_000n, '1969-12-31T23:59:58.5Z'],
  [-62_135_596_800_000_000_000n, '0001-01-01T00:00:00Z'],
  [253_402_300_799_999_999_999n, '9999-12-31T23:59:59.999999999Z'],
];

test('times are written as Go writes them, and read back to the nanosecond', () => {
  for (const [nanos, text] of times) {
    assert.equal(formatTime(nanos), text);
    assert.equal(parseTime(text), nanos);
  }
});

test('any time survives writing and reading', () => {
  const random = seededRandom('time');
  for (let round = 0; round < 2000; round += 1) {
    const nanos = BigInt(random.integer(-3e9, 5e9)) * 1_000_000_000n + BigInt(random.integer(0, 1e9));
    assert.equal(parseTime(formatTime(nanos)), nanos);
  }
});

test('offsets of time zones, which restic writes, are read', () => {
  assert.equal(parseTime('2026-11-21T05:04:05.5+02:00'), parseTime('2026-11-21T03:04:05.5Z'));
  assert.equal(parseTime('2026-11-20T19:34:05-07:30'), parseTime('2026-11-21T03:04:05Z'));
});

test('years that Go cannot write become the nearest it can', () => {
  assert.equal(formatTime(2n ** 63n * 1000n), '9999-12-31T23:59:59.999999999Z');
  assert.equal(formatTime(253_402_300_800_000_000_000n), '9999-12-31T23:59:59.999999999Z');
  assert.equal(formatTime(-(2n ** 63n) * 1000n), '0000-01-01T00:00:00Z');
  assert.equal(parseTime(formatTime(-(2n ** 63n) * 1000n)), -62_167_219_200_000_000_000n);
});

test('what is no time is refused', () => {
  for (const text of ['', 'yesterday', '2026-11-21', '2026-11-21T03:04:05', '2026-13-01T00:00:00Z'])
    assert.throws(() => parseTime(text), /is not a time/);
});

test('a date has no more than milliseconds', () => {
  assert.equal(dateToNanos(new Date('2026-11-21T03:04:05.678Z')), 1_795_230_245_678_000_000n);
});
