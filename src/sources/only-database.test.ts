import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { namedDatabase, onlyDatabase } from './only-database.ts';

test('a configuration that may mean several databases, by a pattern too, names none of them', () => {
  for (const databases of ['all', ['a', 'b'], ['shop_*'], ['shop_?']] as const)
    assert.throws(
      () => namedDatabase({ databases }, { database: 'shop' }, 'an export'),
      (error) => hasCode(error, 'CONFIG_INVALID') && error.message === 'an export is of one database',
    );
});

test('the one of the list comes before the one that is connected to; without either the server may choose', () => {
  assert.equal(namedDatabase({ databases: ['own'] }, { database: 'shop' }, 'an export'), 'own');
  assert.equal(onlyDatabase({}, { database: 'shop' }, 'an export'), 'shop');
  assert.equal(namedDatabase({}, {}, 'an export'), undefined);
  assert.throws(() => onlyDatabase({}, {}, 'an export'), /an export is of one database/);
});
