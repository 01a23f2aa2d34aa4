import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidth, fitWidth, formatStopwatch, formatTable } from './output-format.ts';

test('a stopwatch shows hours only when there are any', () => {
  assert.equal(formatStopwatch(7_000), '0:07');
  assert.equal(formatStopwatch(754_000), '12:34');
  assert.equal(formatStopwatch(3_723_000), '1:02:03');
});

test('wide characters take two columns and combining marks none', () => {
  assert.equal(displayWidth('漢字'), 4);
  assert.equal(displayWidth('e\u0301'), 1);
  assert.equal(fitWidth('漢字漢字', 5), '漢字…');
  assert.equal(fitWidth('short', 5), 'short');
});

test('columns of a table line up, numbers to the right', () => {
  const lines = formatTable(
    [{ title: 'Name' }, { title: 'Size', align: 'right' }, { title: '' }],
    [
      ['漢字', '1 B', ''],
      ['plain', '12 KiB', 'partial'],
    ],
  );
  assert.deepEqual(lines, ['Name     Size', '漢字      1 B', 'plain  12 KiB  partial']);
});
