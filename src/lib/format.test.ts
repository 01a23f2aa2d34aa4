import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAge, formatBytes, formatCount, formatDuration, plural, printable } from './format.ts';

test('sizes have three digits and binary units', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '0.98 KiB'],
    [1536, '1.50 KiB'],
    [10.5 * 1024, '10.5 KiB'],
    [123_456_789, '118 MiB'],
    [5 * 1024 ** 4, '5.00 TiB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

test('durations have two units at most', () => {
  const cases: [number, string][] = [
    [4, '0.00 s'],
    [420, '0.42 s'],
    [12_300, '12 s'],
    [59_700, '1 min 00 s'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 05 min'],
    [200_000_000, '2 d 7 h'],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test('counts are grouped, and words follow them', () => {
  assert.equal(formatCount(1_234_567), '1,234,567');
  assert.equal(plural(1, 'file'), '1 file');
  assert.equal(plural(1200, 'entry', 'entries'), '1,200 entries');
});

test('an age is told in the unit that matters', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  assert.equal(formatAge(new Date('2026-11-21T11:59:40Z'), now), 'just now');
  assert.equal(formatAge(new Date('2026-11-21T09:00:00Z'), now), '3 h ago');
  assert.equal(formatAge(new Date('2026-11-18T12:00:00Z'), now), '3 days ago');
  assert.equal(formatAge(new Date('2026-11-22T12:00:00Z'), now), 'in the future');
});

test('a name from a backup cannot move the cursor, break the line or turn the text around', () => {
  assert.equal(printable('a\u001b[2Jb\nc\td'), 'a\\x1b[2Jb\\nc\\td');
  assert.equal(printable('stray \udcff byte'), 'stray \\xff byte');
  assert.equal(printable('exe\u202egpj.txt'), 'exe\\u202egpj.txt');
  assert.equal(printable('漢字 é 🦭'), '漢字 é 🦭');
});
