import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { parseSelection } from '../restore-goal.ts';
import { tablePlaces } from './restore-goal.ts';

const partsOf = (database: string, ...paths: readonly string[]) => {
  const selection = parseSelection(paths, tablePlaces);
  return selection === 'everything' ? selection : selection(database);
};

test('a path means a database, a table of it, or a schema', () => {
  assert.equal(parseSelection(undefined, tablePlaces), 'everything');
  assert.equal(partsOf('shop', 'shop'), 'everything');
  assert.equal(partsOf('shop', 'sh*'), 'everything');
  assert.deepEqual(partsOf('blog', 'shop'), { tables: [], schemas: [] });
  assert.deepEqual(partsOf('a.b', 'a=2Eb/data/public.o=2Ex', 'a=2Eb/data/sales.*', 'shop/data/x.y'), {
    tables: [{ schema: 'public', name: 'o.x' }],
    schemas: ['sales'],
  });
  assert.deepEqual(partsOf('shop', 'shop/data/public.orders/0000.copy', 'shop/data'), {
    tables: [{ schema: 'public', name: 'orders' }],
    schemas: [],
  });
});

test('a file that is nothing by itself is refused', () => {
  for (const path of ['shop/manifest.json', 'shop/large-objects'])
    assert.throws(
      () => parseSelection([path], tablePlaces),
      (error) => hasCode(error, 'USAGE'),
    );
});
