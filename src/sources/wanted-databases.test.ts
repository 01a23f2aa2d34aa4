import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseDatabases } from './wanted-databases.ts';

const present = ['shop_a', 'shop_b', 'test_x'];
const none: readonly string[] = [];

test('databases are those that are named, that fit a pattern, or all', () => {
  const choose = (databases: 'all' | string[] | undefined, named?: string) =>
    chooseDatabases({ databases, excludeDatabases: none }, named, present);
  assert.deepEqual(choose(undefined), present);
  assert.deepEqual(choose(undefined, 'shop_a'), ['shop_a']);
  assert.deepEqual(choose(undefined, 'sh?p*'), ['sh?p*'], 'what is connected to is a name');
  assert.deepEqual(choose('all', 'shop_a'), present);
  assert.deepEqual(choose(['shop_*'], 'test_x'), ['shop_a', 'shop_b']);
});

test('a name is wanted also when there is no such database, a pattern is not', () => {
  const wanted = chooseDatabases(
    { databases: ['gone', '*_x', 'no*'], excludeDatabases: none },
    undefined,
    present,
  );
  assert.deepEqual(wanted, ['test_x', 'gone']);
});

test('what is left out is left out however it was asked for', () => {
  const excludeDatabases = ['*_b', 'gone'];
  const wanted = chooseDatabases({ databases: ['shop_*', 'gone'], excludeDatabases }, undefined, present);
  assert.deepEqual(wanted, ['shop_a']);
  assert.deepEqual(chooseDatabases({ excludeDatabases }, 'shop_b', present), []);
});

test('case counts, unless told', () => {
  const choice = { databases: ['SHOP_*', 'Test_X'], excludeDatabases: ['*_B'] };
  assert.deepEqual(chooseDatabases(choice, undefined, present), ['Test_X']);
  assert.deepEqual(chooseDatabases(choice, undefined, present, 'any'), ['shop_a', 'test_x']);
});
