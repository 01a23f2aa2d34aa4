import assert from 'node:assert/strict';
import { test } from 'node:test';
import { besideName, isBeside } from './beside-names.ts';

test('what was made beside a database is known by its name, and belongs to no other whose name begins alike', () => {
  const long = 'customers_of_the_year_2026';
  const names = ['shop', 'shop2', long.slice(0, 25), long, `${long}_archive`, 'ж'.repeat(12), 'ж'.repeat(13)];
  for (const name of names) {
    const beside = besideName(name);
    assert.ok(Buffer.byteLength(`${beside}.holdfast-01234567`) <= 63, beside);
    for (const each of [beside, `${beside}.holdfast-01234567`])
      assert.deepEqual(
        names.filter((other) => isBeside(other, each)),
        [name],
      );
    assert.ok(!isBeside(name, `${beside}0`));
  }
});
