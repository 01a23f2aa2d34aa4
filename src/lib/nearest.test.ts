import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

test('a word with a slip finds what was meant', () => {
  const keys = ['exclude', 'excludeIfPresent', 'path', 'password', 'to', 'kind'];
  for (const [word, meant] of [
    ['exlude', 'exclude'],
    ['excludes', 'exclude'],
    ['pasword', 'password'],
    ['ot', 'to'],
    ['Kind', 'kind'],
    ['exclude_if_present', 'excludeIfPresent'],
  ] as const)
    assert.equal(nearest(word, keys), meant);
});

test('a word that is like none finds none', () => {
  assert.equal(nearest('compression', ['path', 'to', 'kind']), undefined);
  assert.equal(nearest('x', ['to']), undefined);
  assert.equal(nearest('', ['path']), undefined);
  assert.equal(nearest('path', []), undefined);
});
