// What repairs take away, and what they must leave: above all, whatever only seems to be lost.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { openLocalStore } from '#stores/local/local.ts';
import type { Store } from '#stores/store.ts';
import { failingDisk, skipWithoutFailingDisk } from '../../../test/tools/failing-disk.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { randomData } from '../chunker/testing.ts';
import type { RepairIndexReport, RepairPacksReport, RepairSnapshotReport } from '../contract.ts';
import { packKey } from '../packs/blob.ts';
import { type IndexedPack, loadIndex, saveIndex } from '../packs/index-file.ts';
import { removeLocks } from '../repository.ts';
import { Sealer } from '../sealing/seal.ts';
import {
  encodeHeader,
  keysOf,
  memoryEntries,
  openTestRepository,
  putBlob,
  readFiles,
  type TestRepository,
  testPassword,
  testRepository,
  writeOptions,
} from '../testing.ts';

const tree = { 'a/one': randomData(700_000, 1), 'a/two': 'two', three: 'three' };

const writtenOnce = async (): Promise<TestRepository> => {
  const repository = await testRepository();
  await repository.write(memoryEntries(tree));
  return repository;
};

const repairIndex = async ({ open }: TestRepository): Promise<RepairIndexReport> => {
  await using opened = await open({ lock: 'exclusive' });
  return await opened.repairIndex({});
};

const repairSnapshots = async ({ open }: TestRepository, dryRun = false): Promise<RepairSnapshotReport[]> => {
  await using opened = await open({ lock: 'exclusive' });
  return await opened.repairSnapshots({ dryRun });
};

const repairPacks = async ({ open }: TestRepository, dryRun = false): Promise<RepairPacksReport> => {
  await using opened = await open({ lock: 'exclusive' });
  return await opened.repairPacks({ dryRun });
};

/** Alone, with a lock, it lists the packs that no index lists. */
const backUpAlone = async ({ open }: TestRepository): Promise<void> => {
  await using opened = await open({ lock: 'shared' });
  await opened.write(memoryEntries(tree), writeOptions());
};

const deleteAll = async ({ store }: TestRepository, prefix: string): Promise<void> => {
  for (const key of await keysOf(store, prefix)) await store.delete(key);
};

/** Makes a byte another one; `at` counts from the end when below 0. */
const breakByte = async (store: Store, key: string, at: number): Promise<void> => {
  const bytes = await store.get(key);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  await store.put(key, bytes);
};

const assertWhole = async (repository: TestRepository): Promise<void> => {
  const { problems, notes, snapshots } = await repository.check();
  assert.deepEqual([snapshots, problems, notes], [1, [], []]);
};

suite('while the store cannot be read', () => {
  const failures = {
    'for want of a right': new HoldfastError('STORE_DENIED', 'permission denied'),
    'for a line that is down': new HoldfastError('STORE_UNREACHABLE', 'no answer'),
  };
  /** The same repository, of which nothing below `prefix` can be read. */
  const unreadable = ({ store, key }: TestRepository, prefix: string, error: Error): TestRepository => {
    const get: Store['get'] = (name, range) =>
      name.startsWith(prefix) ? Promise.reject(error) : store.get(name, range);
    return openTestRepository({ ...store, get }, key);
  };
  for (const [why, error] of Object.entries(failures)) {
    test(`${why}, no snapshot counts as lost`, async () => {
      const whole = await writtenOnce();
      for (const prefix of ['data/', 'index/', 'snapshots/'])
        await assert.rejects(repairSnapshots(unreadable(whole, prefix, error)), { code: error.code });
      await assert.rejects(repairPacks(unreadable(whole, 'data/', error)), { code: error.code });
      await assertWhole(whole);
    });

    test(`${why}, no pack and no index counts as lost`, async () => {
      const whole = await writtenOnce();
      await assert.rejects(repairIndex(unreadable(whole, 'index/', error)), { code: error.code });
      await assertWhole(whole);
      await deleteAll(whole, 'index/');
      await assert.rejects(repairIndex(unreadable(whole, 'data/', error)), { code: error.code });
      assert.deepEqual(await keysOf(whole.store, 'index/'), []);
    });
  }
});

test('what a disk does not give at the moment is not lost: nothing is removed, and nothing was wrong', {
  skip: skipWithoutFailingDisk(),
}, async () => {
  using disk = failingDisk(join(temporaryFolder('repair'), 'disk'));
  const repository = await testRepository(openLocalStore(disk.path));
  await repository.write(memoryEntries(tree));
  const before = await keysOf(repository.store);
  const sizes = await Array.fromAsync(repository.store.list('data/'));
  const { key } = sizes.reduce((a, b) => (a.size > b.size ? a : b));
  disk.fail(join(disk.path, key), 40_000);
  await using opened = await repository.open();
  await assert.rejects(opened.repairPacks({}), {
    code: 'STORE_UNREACHABLE',
    message: /nothing was removed.*EIO/,
    hint: /ddrescue/,
  });
  disk.heal();
  assert.deepEqual(await keysOf(repository.store), before);
  assert.deepEqual((await opened.repairPacks({})).damaged, []);
});

test('what a store lists and denies having is not lost', async () => {
  const whole = await writtenOnce();
  const missing = new HoldfastError('OBJECT_MISSING', 'there is no such object');
  const get: Store['get'] = (name, range) =>
    name.startsWith('data/') ? Promise.reject(missing) : whole.store.get(name, range);
  const denying = openTestRepository({ ...whole.store, get }, whole.key);
  await assert.rejects(repairSnapshots(denying), {
    code: 'STORE_UNREACHABLE',
    message: /no such object, which it listed/,
  });
  await assert.rejects(repairPacks(denying), { code: 'REPOSITORY_DAMAGED' });
  await assertWhole(whole);
});

suite('once somebody has removed the lock', () => {
  test('no snapshot counts as lost that was stored since', async () => {
    const repository = await writtenOnce();
    const { store, key } = repository;
    let isBefore = true;
    const list: Store['list'] = async function* (prefix) {
      if (prefix === 'snapshots/' && isBefore) {
        isBefore = false;
        await removeLocks(store, testPassword, true);
        await repository.write(memoryEntries({ other: 'other' }));
      }
      yield* store.list(prefix);
    };
    const repairing = repairSnapshots(openTestRepository({ ...store, list }, key));
    await assert.rejects(repairing, { code: 'REPOSITORY_LOCKED' });
    const { problems, snapshots } = await repository.check();
    assert.deepEqual([problems, snapshots], [[], 2]);
  });

  test('no pack is listed that was pruned since', async () => {
    const repository = await writtenOnce();
    const { store, key } = repository;
    const earlier = new Set(await keysOf(store));
    await repository.write(memoryEntries({ other: 'other' }));
    for (const name of await keysOf(store))
      if (!earlier.has(name) && !name.startsWith('data/')) await store.delete(name);
    let isBefore = true;
    const get: Store['get'] = async (name, range) => {
      const bytes = await store.get(name, range);
      if (name.startsWith('data/') && isBefore) {
        isBefore = false;
        await removeLocks(store, testPassword, true);
        await using pruning = await repository.open({ lock: 'exclusive' });
        await pruning.prune({ maxUnused: { bytes: 0 } });
      }
      return bytes;
    };
    const repairing = repairIndex(openTestRepository({ ...store, get }, key));
    await assert.rejects(repairing, { code: 'REPOSITORY_LOCKED' });
    await assertWhole(repository);
  });
});

suite('a pack in which a byte is wrong', () => {
  /** Where the byte is that becomes another one, counted from the end when below 0. */
  const places = { 'a blob': { at: 100, lost: 1 }, 'its header': { at: -20, lost: 0 } };
  for (const [where, { at, lost }] of Object.entries(places))
    test(`(of ${where}) is replaced by one of all that is whole, and a backup stores the rest again`, async () => {
      const repository = await writtenOnce();
      const { store } = repository;
      const sizes = await Array.fromAsync(store.list('data/'));
      const { key } = sizes.reduce((a, b) => (a.size > b.size ? a : b));
      await breakByte(store, key, at);
      const keys = await keysOf(store);
      const planned = await repairPacks(repository, true);
      assert.deepEqual(await keysOf(store), keys);
      const [pack, ...others] = (await repairPacks(repository)).damaged;
      assert.deepEqual(planned.damaged, [pack]);
      assert.deepEqual([others, pack?.lost.length, pack?.id], [[], lost, key.slice(-64)]);
      assert.ok(pack!.saved >= 2);
      assert.equal((await repository.check()).problems.length, lost);
      assert.equal((await repository.write(memoryEntries(tree))).summary.dataBlobs, lost);
      assert.deepEqual((await repository.check()).problems, []);
      assert.deepEqual((await repairPacks(repository)).damaged, []);
    });
});

test('a damaged pack that a repair which was stopped did not come to remove is counted on by no backup', async () => {
  const repository = await writtenOnce();
  const { store, key } = repository;
  const sizes = await Array.fromAsync(store.list('data/'));
  const { key: pack } = sizes.reduce((a, b) => (a.size > b.size ? a : b));
  await breakByte(store, pack, 100);
  const power = new HoldfastError('STORE_UNREACHABLE', 'the power went');
  const del: Store['delete'] = (name) => (name === pack ? Promise.reject(power) : store.delete(name));
  await assert.rejects(repairPacks(openTestRepository({ ...store, delete: del }, key)), { message: /power/ });
  const [again] = (await repairPacks(repository)).damaged;
  assert.equal(again?.id, pack.slice(-64));
  await backUpAlone(repository);
  assert.deepEqual((await repository.check()).problems, []);
});

test('what a damaged pack holds is not left to another one that is gone', async () => {
  const repository = await testRepository();
  const { store } = repository;
  const big = { one: tree['a/one'] };
  await repository.write(memoryEntries(big));
  const indexes = await Promise.all(
    (await keysOf(store, 'index/')).map(async (key) => [key, await store.get(key)] as const),
  );
  const first = await keysOf(store);
  await deleteAll(repository, 'index/');
  await deleteAll(repository, 'data/');
  await repository.write(memoryEntries({ ...big, more: 'more' })); // the same blobs, in other packs
  for (const [key, bytes] of indexes) await store.put(key, bytes);
  for (const key of await keysOf(store, 'data/')) await breakByte(store, key, -20); // in the header: every blob is whole
  assert.deepEqual(
    (await repairPacks(repository)).damaged.flatMap(({ lost }) => lost),
    [],
  );
  await repairIndex(repository);
  await store.delete(first.find((key) => key.startsWith('snapshots/')) as string); // its tree was in a pack that is gone
  assert.deepEqual((await repository.check()).problems, []);
});

test('a blob larger than any that is cut here is saved from a damaged pack', async () => {
  const repository = await testRepository();
  const { store } = repository;
  const large = randomData(9_000_000, 1);
  const tree = await putBlob(repository, 'large', large);
  const sizes = await Array.fromAsync(store.list('data/'));
  const { key } = sizes.reduce((a, b) => (a.size > b.size ? a : b));
  await breakByte(store, key, -20); // in the header: the blob is whole
  const [dry] = (await repairPacks(repository, true)).damaged;
  const [pack] = (await repairPacks(repository)).damaged;
  const saved = { id: key.slice(-64), saved: 1, lost: [] };
  assert.deepEqual([dry, pack], [saved, saved]);
  const { snapshot } = await repository.write(memoryEntries({ small: 'small' }));
  await using opened = await repository.open();
  assert.deepEqual((await readFiles(opened, { ...snapshot!, tree })).get('large'), Buffer.from(large));
});

test('a pack that was cut stays listed until what is whole of it is saved, whatever is repaired first', async () => {
  const repository = await testRepository();
  const { store } = repository;
  await repository.write(memoryEntries(tree));
  const sizes = await Array.fromAsync(store.list('data/'));
  const { key, size } = sizes.reduce((a, b) => (a.size > b.size ? a : b));
  await store.put(key, (await store.get(key)).slice(0, size - 1));
  await store.put(`index/${'12'.repeat(32)}`, Buffer.from('noise'));
  await assert.rejects(repairPacks(repository), { code: 'REPOSITORY_DAMAGED', hint: /repair index/ });
  assert.deepEqual((await repairIndex(repository)).cut, [key.slice(-64)]);
  const [pack] = (await repairPacks(repository)).damaged;
  assert.deepEqual([pack?.id, pack?.lost], [key.slice(-64), []]);
  await assertWhole(repository);
});

test('of a pack that was cut within a blob, all before it is read and saved', async () => {
  const repository = await testRepository();
  const { store } = repository;
  const files = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`f${at}`, randomData(5_000, at)]));
  const { snapshot } = await repository.write(memoryEntries(files));
  const sizes = await Array.fromAsync(store.list('data/'));
  const { key } = sizes.reduce((a, b) => (a.size > b.size ? a : b));
  await store.put(key, (await store.get(key)).slice(0, 32_000)); // six of nine are whole
  const [pack] = (await repairPacks(repository)).damaged;
  assert.deepEqual([pack?.saved, pack?.lost.length], [6, 3]);
  const [repaired] = await repairSnapshots(repository);
  assert.deepEqual([repaired?.id, repaired?.lost.length], [snapshot?.id, 3]);
  assert.deepEqual((await repository.check()).problems, []);
});

test('a snapshot whose blobs are only in no index is not touched, and they are listed again', async () => {
  const repository = await writtenOnce();
  await deleteAll(repository, 'index/');
  assert.deepEqual(await repairSnapshots(repository, true), []);
  assert.deepEqual(await keysOf(repository.store, 'index/'), []);
  assert.deepEqual(await repairSnapshots(repository), []);
  await assertWhole(repository);
});

suite('an index that says something else than whole packs do', () => {
  /** Every index file again, with packs that are made otherwise. */
  const misjudged = async (
    change: (pack: IndexedPack, id: string) => IndexedPack,
    { beside }: { readonly beside: boolean },
  ): Promise<TestRepository> => {
    const repository = await writtenOnce();
    const { store, key } = repository;
    const sealer = new Sealer(key);
    for (const name of await keysOf(store, 'index/')) {
      const packs = await loadIndex(store, sealer, name.slice('index/'.length));
      await store.delete(name);
      for (let copy = 0; copy < 8; copy += 1) {
        const lie = packs.map((pack) => change(pack, hash('sha256', `${copy}`)));
        await saveIndex(store, sealer, lie);
      }
      if (beside) await saveIndex(store, sealer, packs); // one of the others is read before it
    }
    return repository;
  };
  const lies = {
    'other blobs': () =>
      misjudged(
        ({ id, entries: [first, ...others] }, other) => ({
          id,
          entries: [{ ...first!, id: other }, ...others],
        }),
        { beside: false },
      ),
    'other blobs, beside the true one': () =>
      misjudged(
        ({ id, entries }, other) => ({ id, entries: entries.map((entry) => ({ ...entry, id: other })) }),
        { beside: true },
      ),
    'nothing, beside the true one': () => misjudged(({ id }) => ({ id, entries: [] }), { beside: true }),
  };
  for (const [what, make] of Object.entries(lies)) {
    test(`(${what}) is told of by repairs of snapshots and packs, which remove nothing`, async () => {
      const repository = await make();
      const { store } = repository;
      const before = await keysOf(store, 'data/');
      const refused = { code: 'REPOSITORY_DAMAGED', message: /nothing was removed/, hint: /repair index/ };
      await assert.rejects(repairSnapshots(repository), refused);
      await assert.rejects(repairPacks(repository), refused);
      assert.deepEqual(await keysOf(store, 'data/'), before);
    });

    test(`(${what}) is made anew from them`, async () => {
      const repository = await make();
      await repairIndex(repository);
      assert.deepEqual(await repairSnapshots(repository), []);
      await assertWhole(repository);
    });
  }

  test('is left as it is where it is right, and the header is not', async () => {
    const repository = await testRepository();
    const { store, key } = repository;
    const sealer = new Sealer(key);
    await repository.write(memoryEntries(tree));
    const indexes = await keysOf(store, 'index/');
    for (const name of indexes) {
      const packs = await loadIndex(store, sealer, name.slice('index/'.length));
      const changed = await Promise.all(packs.map((pack) => withFalseHeader(store, sealer, pack)));
      await saveIndex(store, sealer, changed);
      await store.delete(name);
      for (const { id } of packs) await store.delete(packKey(id));
    }
    const { added } = await repairIndex(repository);
    assert.deepEqual(added, []);
    await using opened = await repository.open();
    const [snapshot] = await opened.snapshots();
    assert.equal(String((await readFiles(opened, snapshot!, { root: 'test' })).get('three')), 'three');
  });
});

/** The pack again, under another name, whose header names other blobs than it holds; the index has it rightly. */
const withFalseHeader = async (store: Store, sealer: Sealer, pack: IndexedPack): Promise<IndexedPack> => {
  const bytes = await store.get(packKey(pack.id));
  const named = pack.entries.map((entry) => ({ ...entry, id: hash('sha256', entry.id) }));
  const header = sealer.seal(encodeHeader(named));
  const changed = Buffer.concat([
    bytes.subarray(0, bytes.length - 4 - header.length),
    header,
    bytes.subarray(-4),
  ]);
  const id = hash('sha256', changed);
  await store.put(packKey(id), changed);
  return { id, entries: pack.entries };
};

test('a snapshot that is damaged itself is removed, so that a prune can go on', async () => {
  const repository = await writtenOnce();
  const damaged = '12'.repeat(32);
  await repository.store.put(`snapshots/${damaged}`, Buffer.from('noise'));
  const expected = [{ id: damaged, lost: ['/'] }];
  assert.deepEqual(await repairSnapshots(repository, true), expected);
  assert.deepEqual(await repairSnapshots(repository), expected);
  await assertWhole(repository);
});

test('a snapshot of which only the folder is left that led to what was lost goes, too', async () => {
  const repository = await testRepository();
  const { store } = repository;
  await repository.write(memoryEntries({ 'above/a/one': 'one' }));
  const first = await keysOf(store, 'data/');
  const { snapshot } = await repository.write(memoryEntries({ 'a/one': 'one' })); // stores only a root
  assert.equal((await keysOf(store, 'data/')).length, first.length + 1);
  for (const key of first) await store.delete(key);
  await repairIndex(repository);
  const lost = (await repairSnapshots(repository)).find(({ id }) => id === snapshot?.id);
  assert.deepEqual([lost?.lost, lost?.replacement], [['/'], undefined]);
  assert.deepEqual(await keysOf(store, 'snapshots/'), []);
});
