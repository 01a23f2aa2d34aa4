// Copies of snapshots in another repository: the same trees and contents, also after a copy that was interrupted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { randomData, sqlData } from '../chunker/testing.ts';
import type { CopyReport } from '../contract.ts';
import {
  fileEntry,
  memoryEntries,
  neverFires,
  openTestRepository,
  putBlob,
  readFiles,
  type TestRepository,
  testRepository,
} from '../testing.ts';

const files = {
  'a/random': randomData(9_000_000, 1),
  'a/b/c/small': 'small',
  'a/b/other': 'other',
  'd/rows': { ...fileEntry('d/rows', sqlData(12_000_000, 2)), chunking: 'table' as const },
};

const copyLatest = async (from: TestRepository, to: TestRepository): Promise<CopyReport> => {
  await using source = await from.open();
  await using target = await to.open({ lock: 'shared' });
  const [snapshot] = await source.snapshots();
  return await target.copyFrom(source, snapshot!, { signal: neverFires });
};

/** A store that takes so many packs and no more. */
const takes = (store: Store, packs: number): Store => {
  let left = packs;
  return {
    ...store,
    async put(key, bytes) {
      if (key.startsWith('data/') && left-- <= 0) throw new HoldfastError('STORE_FULL', 'no space left');
      await store.put(key, bytes);
    },
  };
};

test('a copy has the trees and contents of what was copied, whatever of it an interrupted one had stored', async () => {
  const from = await testRepository();
  const { snapshot } = await from.write(memoryEntries(files));
  await using source = await from.open();
  const expected = await readFiles(source, snapshot!);
  for (let packs = 0; packs < 3; packs += 1) {
    const store = memoryStore();
    const to = await testRepository(store);
    const failing = openTestRepository(takes(store, packs), to.key);
    await copyLatest(from, failing).catch((error: unknown) => assert.match(String(error), /no space left/));
    const report = await copyLatest(from, to);
    assert.equal(report.snapshot.tree, snapshot!.tree);
    await using target = await to.open();
    assert.deepEqual(await readFiles(target, report.snapshot), expected);
    const { problems, notes } = await to.check();
    assert.deepEqual([...problems, ...notes], [], `after ${packs} packs`);
  }
});

test('what somebody backed up after the index was read is read and copied all the same', async () => {
  const from = await testRepository();
  const to = await testRepository();
  await using source = await from.open();
  await source.usage([]); // which reads the index
  await from.write(memoryEntries(files));
  const [snapshot] = await source.snapshots();
  await using target = await to.open();
  const { snapshot: copy } = await target.copyFrom(source, snapshot!, { signal: neverFires });
  assert.deepEqual(await readFiles(target, copy), await readFiles(source, snapshot!));
  const { snapshot: later } = await from.write(memoryEntries({ later: 'later' }));
  assert.deepEqual([...(await readFiles(source, later!)).keys()], ['test/later']);
});

test('what a copy that failed had taken on counts as stored for no copy after it', async () => {
  const from = await testRepository();
  const { snapshot } = await from.write(memoryEntries(files));
  const { store, key } = await testRepository();
  let isFull = true;
  const put: Store['put'] = async (name, bytes) => {
    if (isFull && name.startsWith('data/')) throw new HoldfastError('STORE_FULL', 'no space left');
    await store.put(name, bytes);
  };
  const to = openTestRepository({ ...store, put }, key);
  await using source = await from.open();
  await using target = await to.open({ lock: 'shared' });
  await assert.rejects(target.copyFrom(source, snapshot!, { signal: neverFires }), { code: 'STORE_FULL' });
  isFull = false;
  await target.copyFrom(source, snapshot!, { signal: neverFires });
  assert.deepEqual((await to.check()).problems, []);
});

test('a blob larger than any that is cut here is copied as it is', async () => {
  const from = await testRepository();
  const to = await testRepository();
  const large = randomData(9_000_000, 1);
  const tree = await putBlob(from, 'large', large);
  const { snapshot } = await from.write(memoryEntries({ small: 'small' }));
  await using source = await from.open();
  await using target = await to.open({ lock: 'shared' });
  const { snapshot: copy } = await target.copyFrom(source, { ...snapshot!, tree }, { signal: neverFires });
  assert.deepEqual((await readFiles(target, copy)).get('large'), Buffer.from(large));
  assert.deepEqual((await to.check()).problems, []);
});
