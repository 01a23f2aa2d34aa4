import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neverFires } from '#repository/testing.ts';
import { askAll, fits } from './query.ts';

test('numbers are compared as numbers, with all their digits', () => {
  const cases: readonly (readonly [expected: string | number, found: string, fits: boolean])[] = [
    ['9007199254740992', '9007199254740993', false],
    ['> 9007199254740992', '9007199254740993', true],
    ['<= -9007199254740993', '-9007199254740992', false],
    ['0.1234567890123456789', '0.1234567890123456788', false],
    [1.5, '1.50', true],
    ['> -0.5', '-0.25', true],
    ['03', '3', true],
    ['> 9', '10', true],
    ['1e3', '1000', true],
    ['> 2026-01-01', '2026-01-02', true],
    ['= abc', 'abd', false],
  ];
  for (const [expected, found, result] of cases)
    assert.equal(fits(expected, found), result, `${found} ${expected}`);
});

test('a long value is compared whole, and of what was found its beginning is told', async () => {
  const value = 'kelp'.repeat(1000);
  const asked = [{ query: 'select body', expect: value }];
  const { queries } = await askAll(asked, async () => ({ rows: 1, first: value }), neverFires);
  assert.deepEqual(
    queries.map(({ found, passed }) => [found, passed]),
    [[`${value.slice(0, 1000)}… (4,000 characters)`, true]],
  );
});
