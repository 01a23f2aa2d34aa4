import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import { changedOnceSettled } from './settling-store.ts';
import { keysOf } from './testing.ts';

const bytes = Buffer.from('bytes');

test('a store is read while the lock settles, and changed once it has', async () => {
  const plain = memoryStore();
  await plain.put('old', bytes);
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  const store = changedOnceSettled(plain, settled);
  const changes = [store.put('new', bytes), store.delete('old')];
  assert.deepEqual(await store.get('old'), await plain.get('old'));
  assert.deepEqual(await keysOf(store, ''), ['old']);
  resolve();
  await Promise.all(changes);
  assert.deepEqual(await keysOf(plain, ''), ['new']);
});

test('a store is not changed when the lock is refused', async () => {
  const plain = memoryStore();
  await plain.put('old', bytes);
  const refused = Promise.reject(new HoldfastError('REPOSITORY_LOCKED', 'locked'));
  const store = changedOnceSettled(plain, refused);
  for (const change of [store.put('new', bytes), store.delete('old')])
    await assert.rejects(change, (error) => hasCode(error, 'REPOSITORY_LOCKED'));
  assert.deepEqual(await keysOf(plain, ''), ['old']);
});
