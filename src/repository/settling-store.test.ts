import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import { foldersOf, nameSyncOf } from '#stores/store.ts';
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

test('a store that can be changed has every ability that it has without a lock', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-settling-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  await using plain = openLocalStore(folder);
  const store = changedOnceSettled(plain, Promise.resolve());
  await store.put('data/ab/abcd', bytes);
  writeFileSync(join(folder, 'data/ab/abcd-tmp-1'), 'half');
  assert.equal(await foldersOf(store)?.removeLeftovers('data/'), 4);
  await nameSyncOf(store)?.syncNames(['data/ab/abcd', 'data/gone/gone']);
  assert.deepEqual(readdirSync(join(folder, 'data/ab')), ['abcd']);
  await store.delete('data/ab/abcd');
  await foldersOf(store)?.removeEmptyFolders('data/');
  assert.deepEqual(readdirSync(folder), []);
});
