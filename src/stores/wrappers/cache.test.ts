import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLog, silentLog } from '#lib/log.ts';
import { skipWithoutSmallDisk, smallDisk } from '../../../test/tools/small-disk.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { sampleBytes } from '../contract.ts';
import { memoryStore } from '../memory/memory.ts';
import type { Store } from '../store.ts';
import { storeContract } from '../testing.ts';
import { withCache } from './cache.ts';

const folder = temporaryFolder('cache');
let caches = 0;

storeContract('cache over memory', {
  forgetful: true,
  open: async () => withCache(memoryStore(), { folder: join(folder, 'contract'), log: silentLog }),
});

/** A cache before a store that notes what is read from it. */
const cached = (more: { maxBytes?: number; folder?: string } = {}) => {
  const memory = memoryStore();
  const reads: string[] = [];
  const inner: Store = {
    ...memory,
    get(key, range) {
      reads.push(range ? `${key.slice(0, 5)} part` : key.slice(0, 5));
      return memory.get(key, range);
    },
  };
  const options = { folder: join(folder, `${++caches}`), log: silentLog, ...more };
  return { memory, reads, options, open: () => withCache(inner, options) };
};

const keyOf = (kind: 'index' | 'snapshots' | 'data', bytes: Uint8Array): string => {
  const id = createHash('sha256').update(bytes).digest('hex');
  return kind === 'data' ? `data/${id.slice(0, 2)}/${id}` : `${kind}/${id}`;
};
const files = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'CACHEDIR.TAG')
    .map((entry) => join(entry.parentPath, entry.name));
const bytes = sampleBytes(1000, 'cached');

test('what was read or stored once is not read from the store again, by the next process either', async () => {
  const { memory, reads, open } = cached();
  const other = sampleBytes(10, 'other');
  await memory.put(keyOf('index', bytes), bytes);
  const first = open();
  await first.put(keyOf('snapshots', other), other);
  for (const store of [first, first, open()]) {
    assert.deepEqual(Buffer.from(await store.get(keyOf('index', bytes))), bytes);
    assert.deepEqual(Buffer.from(await store.get(keyOf('snapshots', other))), other);
  }
  assert.deepEqual(reads, ['index']);
});

test('a pack of trees is read once, whole, however many parts of it are wanted at once', async () => {
  const { memory, reads, open } = cached();
  const key = keyOf('data', bytes);
  await memory.put(key, bytes);
  const store = open();
  const parts = [0, 10, 990].map((offset) => ({ offset, length: 10 }));
  for (const again of [store, store, open()])
    await Promise.all(
      parts.map(async (range) =>
        assert.deepEqual(
          Buffer.from(await again.getTrees(key, range)),
          bytes.subarray(range.offset, range.offset + 10),
        ),
      ),
    );
  assert.deepEqual(reads, ['data/']);
  await assert.rejects(store.getTrees(key, { offset: 995, length: 10 }), { code: 'OBJECT_MISSING' });
});

test('packs of data, locks, keys and the config are never kept', async () => {
  const { memory, reads, open, options } = cached();
  const keys = [keyOf('data', bytes), `locks/${'a'.repeat(64)}`, `keys/${'b'.repeat(64)}`, 'config'];
  for (const key of keys) await memory.put(key, bytes);
  const store = open();
  for (const key of [...keys, ...keys]) await store.get(key);
  assert.equal(reads.length, 8);
  assert.throws(() => readdirSync(options.folder), { code: 'ENOENT' });
});

test('a kept file that is damaged counts as absent', async () => {
  const { memory, reads, open, options } = cached();
  await memory.put(keyOf('index', bytes), bytes);
  await open().get(keyOf('index', bytes));
  writeFileSync(files(options.folder)[0]!, 'something else');
  assert.deepEqual(Buffer.from(await open().get(keyOf('index', bytes))), bytes);
  assert.deepEqual(reads, ['index', 'index']);
});

test('what is no file in the place of a kept one is not waited for, and replaced', async () => {
  const { memory, reads, open, options } = cached();
  await memory.put(keyOf('index', bytes), bytes);
  await open().get(keyOf('index', bytes));
  const [kept] = files(options.folder) as [string];
  for (const replace of [() => execFileSync('mkfifo', [kept]), () => symlinkSync('/dev/zero', kept)]) {
    rmSync(kept);
    replace();
    for (const store of [open(), open()])
      assert.deepEqual(Buffer.from(await store.get(keyOf('index', bytes))), bytes);
  }
  assert.deepEqual(reads, ['index', 'index', 'index']);
});

test('an object of the store that does not fit its name is handed on and not kept', async () => {
  const { memory, open, options } = cached();
  await memory.put(keyOf('index', bytes), Buffer.from('damaged'));
  assert.equal(String(Buffer.from(await open().get(keyOf('index', bytes)))), 'damaged');
  assert.throws(() => readdirSync(options.folder), { code: 'ENOENT' });
});

test('what is deleted is gone here too', async () => {
  const { open, options } = cached();
  const store = open();
  await store.put(keyOf('snapshots', bytes), bytes);
  await store.delete(keyOf('snapshots', bytes));
  assert.deepEqual(files(options.folder), []);
  await assert.rejects(store.get(keyOf('snapshots', bytes)), { code: 'OBJECT_MISSING' });
});

test('what was not used for the longest time goes when there is too much', async () => {
  const { open, options } = cached({ maxBytes: 3500 });
  const store = open();
  const objects = ['a', 'b', 'c'].map((seed) => sampleBytes(1000, seed));
  for (const object of objects) await store.put(keyOf('index', object), object);
  for (const [age, object] of objects.entries()) {
    const path = files(options.folder).find((file) => file.endsWith(keyOf('index', object).slice(6)))!;
    utimesSync(path, 1000 - age, 1000 - age);
  }
  await store.put(keyOf('index', bytes), bytes);
  const kept = files(options.folder).map((file) => file.slice(-64));
  const expected = [objects[0]!, bytes].map((object) => keyOf('index', object).slice(6));
  assert.deepEqual(kept.toSorted(), expected.toSorted());
});

test('only its owner can read it, backup programs are told to leave it out, and it may be deleted at any time', async () => {
  const { open, options, reads } = cached();
  const store = open();
  await store.put(keyOf('index', bytes), bytes);
  const [file] = files(options.folder);
  assert.deepEqual([statSync(file!).mode & 0o777, statSync(join(file!, '..')).mode & 0o777], [0o600, 0o700]);
  const [place] = readdirSync(options.folder);
  assert.ok(readdirSync(join(options.folder, place!)).includes('CACHEDIR.TAG'));
  rmSync(options.folder, { recursive: true });
  assert.deepEqual(Buffer.from(await store.get(keyOf('index', bytes))), bytes);
  assert.deepEqual(reads, ['index']);
});

test('a cache that cannot be written is told once, and the store works', async () => {
  const lines: string[] = [];
  const { open, options } = cached();
  writeFileSync(options.folder, 'in the way');
  const store = open();
  await store.put(keyOf('index', bytes), bytes);
  assert.deepEqual(Buffer.from(await store.get(keyOf('index', bytes))), bytes);
  const log = openLog('warn', { write: (line) => void lines.push(line) });
  const told = withCache(memoryStore(), { ...options, log });
  for (const seed of ['a', 'b']) {
    const object = sampleBytes(10, seed);
    await told.put(keyOf('index', object), object);
  }
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /the cache cannot be used/);
});

test('a cache on a disk that is read-only is told once, also when much is stored at once', {
  skip: skipWithoutSmallDisk(),
}, async () => {
  using disk = smallDisk(join(folder, 'read-only'), 'size=64k');
  execFileSync('mount', ['-o', 'remount,ro', disk.path]);
  const lines: string[] = [];
  const log = openLog('warn', { write: (line) => void lines.push(line) });
  const store = withCache(memoryStore(), { folder: disk.path, log });
  const objects = ['a', 'b', 'c'].map((seed) => sampleBytes(10, seed));
  await Promise.all(objects.map((object) => store.put(keyOf('index', object), object)));
  assert.deepEqual(
    lines.map((line) => /the cache cannot be used|EROFS/.test(line)),
    [true],
  );
});

test('a full disk keeps no part of what it had no room for', { skip: skipWithoutSmallDisk() }, async () => {
  using disk = smallDisk(join(folder, 'full'), 'size=64k');
  const { open } = cached({ folder: disk.path });
  const large = sampleBytes(200_000, 'large');
  const store = open();
  await store.put(keyOf('index', large), large);
  assert.deepEqual(Buffer.from(await store.get(keyOf('index', large))), Buffer.from(large));
  assert.deepEqual(files(disk.path), []);
});
