import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openLocalStore } from './local.ts';
import { putLocalFileSync } from './write-object.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-local-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('objects are read-only files in folders that only their owner may enter', async () => {
  await using store = openLocalStore(join(folder, 'modes'));
  await store.put('data/ab/abcd', Buffer.from('x'));
  assert.equal(statSync(join(folder, 'modes/data/ab/abcd')).mode & 0o777, 0o400);
  assert.equal(statSync(join(folder, 'modes/data/ab')).mode & 0o777, 0o700);
});

test('a worker writes an object in parts where the store finds it', async () => {
  await using store = openLocalStore(join(folder, 'worker'));
  const parts = Array.from({ length: 2000 }, (_, index) => Buffer.alloc(index % 7, index));
  putLocalFileSync(store.localFolder, 'data/00/pack', parts);
  assert.deepEqual(Buffer.from(await store.get('data/00/pack')), Buffer.concat(parts));
  assert.deepEqual(readdirSync(join(folder, 'worker/data/00')), ['pack']);
});

test('what an interrupted write left behind is not an object', async () => {
  await using store = openLocalStore(join(folder, 'leftovers'));
  await store.put('locks/a', Buffer.from('a'));
  writeFileSync(join(folder, 'leftovers/locks/b-tmp-123'), 'half');
  const found = await Array.fromAsync(store.list('locks/'));
  assert.deepEqual(found, [{ key: 'locks/a', size: 1 }]);
});
