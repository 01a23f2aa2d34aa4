// What pruning takes away and what it must leave, also when it is interrupted at any of its steps.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { suite, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { randomData } from '../chunker/testing.ts';
import type { PruneOptions, PruneReport, Snapshot } from '../contract.ts';
import { loadIndex, saveIndex } from '../packs/index-file.ts';
import { removeLocks } from '../repository.ts';
import { Sealer } from '../sealing/seal.ts';
import {
  keysOf,
  memoryEntries,
  openTestRepository,
  readFiles,
  storedBytes,
  type TestRepository,
  testPassword,
  testRepository,
  writeOptions,
} from '../testing.ts';

// Small enough to be one blob each, whatever polynomial the repository has.
const kept = { 'a/kept': randomData(500_000, 1), shared: randomData(300_000, 2), small: 'small' };
const dropped = { shared: kept.shared, 'b/dropped': randomData(800_000, 3), 'b/other': 'other' };

const everything: PruneOptions = { maxUnused: { bytes: 0 } };

/** Two snapshots that share a file. */
const twoSnapshots = async (
  store: Store = memoryStore(),
): Promise<{ repository: TestRepository; snapshots: Snapshot[] }> => {
  const repository = await testRepository(store);
  const snapshots: Snapshot[] = [];
  for (const [day, tree] of [dropped, kept].entries()) {
    const time = new Date(Date.UTC(2026, 10, 1 + day));
    snapshots.push((await repository.write(memoryEntries(tree), { time })).snapshot!);
  }
  return { repository, snapshots };
};

const prune = async (
  repository: TestRepository,
  options: PruneOptions = everything,
): Promise<PruneReport> => {
  await using opened = await repository.open();
  return await opened.prune(options);
};

const forget = async (repository: TestRepository, snapshot: Snapshot): Promise<void> => {
  await using opened = await repository.open();
  await opened.forget(snapshot);
};

/** The snapshot of `kept` is all there, and nothing is wrong with the repository. */
const assertKept = async (repository: TestRepository): Promise<void> => {
  await using opened = await repository.open();
  const snapshot = (await opened.snapshots()).at(-1);
  const files = await readFiles(opened, snapshot!, { root: 'test' });
  for (const [path, content] of Object.entries(kept))
    assert.ok(files.get(path)?.equals(Buffer.from(content)), path);
  assert.deepEqual((await repository.check()).problems, []);
};

test('where everything is used nothing is done', async () => {
  const { repository } = await twoSnapshots();
  const keys = await keysOf(repository.store);
  const report = await prune(repository);
  assert.deepEqual([report.packsDeleted, report.bytesFreed, report.bytesUnusedKept], [0, 0, 0]);
  assert.deepEqual(await keysOf(repository.store), keys);
});

test('what only a forgotten snapshot used is gone, and the report says how much that is', async () => {
  const { repository, snapshots } = await twoSnapshots();
  await forget(repository, snapshots[0]!);
  const before = await storedBytes(repository.store, 'data/');
  const planned = await prune(repository, { ...everything, dryRun: true });
  assert.equal(await storedBytes(repository.store, 'data/'), before, 'a dry run changes nothing');
  const report = await prune(repository);
  assert.deepEqual(report, planned);
  const after = await storedBytes(repository.store, 'data/');
  assert.ok(before - after > 790_000);
  assert.ok(Math.abs(before - after - report.bytesFreed) < 1000, `${report.bytesFreed} were to be freed`);
  assert.ok(Math.abs(after - report.bytesKept) < 1000, `${report.bytesKept} were to be kept`);
  await assertKept(repository);
  const again = await prune(repository);
  assert.equal(again.packsDeleted, 0);
});

test('packs with little waste stay as they are, within the bounds that were given', async () => {
  const { repository, snapshots } = await twoSnapshots();
  await forget(repository, snapshots[0]!);
  const keys = await keysOf(repository.store, 'data/');
  const report = await prune(repository, { maxUnused: { share: 0.9 } });
  assert.equal(report.packsRepacked, 0);
  assert.ok(report.bytesUnusedKept > 0);
  assert.ok((await keysOf(repository.store, 'data/')).every((key) => keys.includes(key)));
  await assertKept(repository);
});

test('the last snapshot forgotten leaves no pack', async () => {
  const { repository, snapshots } = await twoSnapshots();
  for (const snapshot of snapshots) await forget(repository, snapshot);
  await prune(repository);
  assert.deepEqual(await keysOf(repository.store, 'data/'), []);
  assert.deepEqual(await keysOf(repository.store, 'index/'), []);
  assert.equal((await repository.write(memoryEntries(kept))).summary.dataBlobs, 3);
  await assertKept(repository);
});

test('where there is no room for copies, what nothing uses goes first and makes it', async () => {
  const store = memoryStore();
  const { repository, snapshots } = await twoSnapshots(store);
  const time = new Date(Date.UTC(2026, 9, 1));
  const large = await repository.write(memoryEntries({ large: randomData(5_000_000, 4) }), { time });
  for (const snapshot of [large.snapshot!, snapshots[0]!]) await forget(repository, snapshot);
  const full = openTestRepository(ofLimitedSize(store, (await storedBytes(store)) + 100_000), repository.key);
  assert.equal((await prune(full)).bytesUnusedKept, 0);
  await assertKept(repository);
  assert.ok((await storedBytes(store)) < 900_000);
});

const ofLimitedSize = (store: Store, mostBytes: number): Store => ({
  ...store,
  async put(key, bytes) {
    if ((await storedBytes(store)) + bytes.length > mostBytes)
      throw new HoldfastError('STORE_FULL', 'no space left', { hint: 'make room' });
    await store.put(key, bytes);
  },
});

test('where nothing may be deleted, this is told before anything is copied', async () => {
  const inner = memoryStore();
  const { repository, snapshots } = await twoSnapshots(inner);
  await forget(repository, snapshots[0]!);
  const before = await keysOf(inner, '');
  const denied = new HoldfastError('STORE_DENIED', 'status 403', { hint: 'it is append-only' });
  const appendOnly = openTestRepository({ ...inner, delete: () => Promise.reject(denied) }, repository.key);
  await assert.rejects(prune(appendOnly), { message: 'nothing was pruned: status 403', hint: denied.hint });
  assert.deepEqual(await keysOf(inner, ''), before);
});

test('what stays is held against deletion for another while, where the store can do that', async () => {
  const held: string[] = [];
  const retain = async (key: string): Promise<void> => void held.push(key);
  const { repository, snapshots } = await twoSnapshots(Object.assign(memoryStore(), { retain }));
  await forget(repository, snapshots[0]!);
  await prune(repository, { ...everything, dryRun: true });
  assert.deepEqual(held, []);
  await prune(repository);
  const stored = (await keysOf(repository.store)).filter((key) => !key.startsWith('locks/'));
  assert.deepEqual(held.toSorted(), stored.toSorted());
});

test('what interrupted writes left in folders goes as well, and counts as freed', async () => {
  const removeLeftovers = async (prefix: string): Promise<number> => (prefix === 'data/' ? 11 : 0);
  const removeEmptyFolders = async (): Promise<void> => {};
  const { repository } = await twoSnapshots(
    Object.assign(memoryStore(), { removeLeftovers, removeEmptyFolders }),
  );
  await using opened = await repository.open({ lock: 'exclusive' });
  assert.equal((await opened.prune(everything)).bytesFreed, 11);
});

test('packs that no index lists go as well', async () => {
  const { repository } = await twoSnapshots();
  const stray = `data/ab/${'ab'.repeat(32)}`;
  await repository.store.put(stray, randomData(1000, 1));
  await prune(repository);
  assert.ok(!(await keysOf(repository.store)).includes(stray));
  await assertKept(repository);
});

test('a pack that several index files list is listed once afterwards', async () => {
  const { repository, snapshots } = await twoSnapshots();
  const { store, key } = repository;
  const sealer = new Sealer(key);
  const listed = async (): Promise<string[]> => {
    const files = (await keysOf(store, 'index/')).map((each) =>
      loadIndex(store, sealer, each.slice('index/'.length)),
    );
    return (await Promise.all(files)).flat().map(({ id }) => id);
  };
  for (const each of await keysOf(store, 'index/'))
    for (const pack of await loadIndex(store, sealer, each.slice('index/'.length)))
      await saveIndex(store, sealer, [pack]); // as a repair leaves them that is killed
  await forget(repository, snapshots[0]!);
  await prune(repository);
  const ids = await listed();
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, (await keysOf(store, 'data/')).length);
  await assertKept(repository);
});

test('no more packs go once the lock is gone', async () => {
  const { repository } = await twoSnapshots();
  const { store, key } = repository;
  for (let seed = 0; seed < 250; seed += 1) {
    const stray = randomData(100, seed);
    const id = hash('sha256', stray, 'hex');
    await store.put(`data/${id.slice(0, 2)}/${id}`, stray);
  }
  let deleted = 0;
  const losing: Store = {
    ...store,
    async delete(name) {
      await store.delete(name);
      if (name.startsWith('data/') && ++deleted === 10) await removeLocks(store, testPassword, true);
    },
  };
  await using opened = await openTestRepository(losing, key).open({ lock: 'exclusive' });
  await assert.rejects(opened.prune(everything), { code: 'REPOSITORY_LOCKED' });
  assert.ok((await keysOf(store, 'data/')).length >= 150);
  await assertKept(repository);
});

suite('nothing is pruned when', () => {
  const damages: Readonly<Record<string, (store: Store, snapshots: readonly Snapshot[]) => Promise<void>>> = {
    'a pack is missing that a snapshot uses': async (store) => {
      const [key = ''] = await keysOf(store, 'data/');
      await store.delete(key);
    },
    'a pack is cut that a snapshot uses': async (store) => {
      for (const key of await keysOf(store, 'data/'))
        await store.put(key, (await store.get(key)).subarray(0, -100));
    },
    'an index is missing': async (store) => {
      const [key = ''] = await keysOf(store, 'index/');
      await store.delete(key);
    },
    'an index cannot be read': async (store) => {
      const [key = ''] = await keysOf(store, 'index/');
      await store.put(key, Buffer.from('noise'));
    },
    'a snapshot cannot be read': async (store, snapshots) =>
      store.put(`snapshots/${snapshots[0]!.id}`, Buffer.from('noise')),
  };
  for (const [what, damage] of Object.entries(damages))
    test(what, async () => {
      const { repository, snapshots } = await twoSnapshots();
      await damage(repository.store, snapshots);
      const keys = await keysOf(repository.store);
      await assert.rejects(prune(repository), { code: 'REPOSITORY_DAMAGED' });
      assert.deepEqual(await keysOf(repository.store), keys);
    });
});

suite('what was stored again stays, and what is left of it elsewhere goes, when a pack', () => {
  const losses: Readonly<Record<string, (store: Store, key: string) => Promise<void>>> = {
    'was lost': (store, key) => store.delete(key),
    'was cut': async (store, key) => store.put(key, (await store.get(key)).subarray(0, -100)),
  };
  for (const [what, lose] of Object.entries(losses))
    test(what, async () => {
      const { repository, snapshots } = await twoSnapshots();
      await forget(repository, snapshots[0]!);
      for (const key of await keysOf(repository.store, 'data/')) await lose(repository.store, key);
      await repository.write(memoryEntries(kept), { time: snapshots[1]!.time });
      assert.notDeepEqual((await repository.check()).problems, []);
      await prune(repository);
      await assertKept(repository);
    });
});

suite('interrupted before any of its steps', () => {
  /** Runs `work` on copies of the repository whose power goes ever later, until it gets to its end. */
  const atEveryStep = async (
    { store, key }: TestRepository,
    work: (repository: TestRepository) => Promise<unknown>,
    afterwards: (repository: TestRepository) => Promise<unknown>,
  ): Promise<void> => {
    for (let steps = 0, done = false; !done; steps += 1) {
      const copy = memoryStore();
      for (const each of await keysOf(store)) await copy.put(each, await store.get(each));
      const broken = openTestRepository(breaksAfter(copy, steps), key);
      done = await work(broken).then(
        () => true,
        (error: unknown) => {
          assert.match(String(error), /the power went/);
          return false;
        },
      );
      for (const lock of await keysOf(copy, 'locks/')) await copy.delete(lock); // its process is gone
      const restarted = openTestRepository(copy, key);
      await assertKept(restarted);
      await afterwards(restarted);
      const { problems, notes } = await restarted.check();
      assert.deepEqual([...problems, ...notes], [], `after ${steps} steps`);
      assert.ok(steps < 40);
    }
  };

  test('a prune leaves every snapshot whole, and the next one finishes', async () => {
    const { repository, snapshots } = await twoSnapshots();
    await forget(repository, snapshots[0]!);
    await atEveryStep(repository, prune, prune);
  });

  test('a backup costs nothing that was there, and the next one goes on', async () => {
    const { repository } = await twoSnapshots();
    const tree = { ...kept, more: randomData(500_000, 9), 'c/d/e': 'deep' };
    const backUp = async ({ open }: TestRepository): Promise<void> => {
      await using opened = await open({ lock: 'shared' });
      await opened.write(memoryEntries(tree), writeOptions());
    };
    await atEveryStep(repository, backUp, backUp);
  });
});

/** A store whose power goes at its nth change: neither that one nor any that follows is done. */
const breaksAfter = (store: Store, steps: number): Store => {
  let left = steps;
  const change = async (work: () => Promise<void>): Promise<void> => {
    left -= 1;
    if (left < 0) throw new HoldfastError('FAILED', 'the power went');
    await work();
  };
  return {
    ...store,
    put: (key, bytes) => change(() => store.put(key, bytes)),
    delete: (key) => change(() => store.delete(key)),
  };
};
