// Packs that are there and not listed, and packs that are listed and not there.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Store } from '#stores/store.ts';
import { randomData, sqlData } from '../chunker/testing.ts';
import type { Repository, WriteReport } from '../contract.ts';
import { removeLocks } from '../repository.ts';
import { Sealer } from '../sealing/seal.ts';
import { saveUnpacked } from '../sealing/unpacked.ts';
import {
  keysOf,
  memoryEntries,
  readFiles,
  type TestRepository,
  testPassword,
  testRepository,
  writeOptions,
} from '../testing.ts';

const content = randomData(1_200_000, 1);
const tree = { 'a/big': content, 'a/rows': sqlData(800_000, 2), b: 'b' };

/** Writes as a backup does: with a lock. */
const backUp = async (
  { open }: TestRepository,
  entries: Parameters<typeof memoryEntries>[0],
  options: Partial<Parameters<Repository['write']>[1]> = {},
): Promise<WriteReport> => {
  await using repository = await open({ lock: 'shared' });
  return await repository.write(memoryEntries(entries), writeOptions(options));
};

const deleteAll = async (store: Store, prefix: string): Promise<void> => {
  for (const key of await keysOf(store, prefix)) await store.delete(key);
};

suite('packs that no index lists', () => {
  test('are listed by the next backup, which need not store what they hold', async () => {
    const repository = await testRepository();
    const first = await backUp(repository, tree);
    await deleteAll(repository.store, 'index/');
    await deleteAll(repository.store, 'snapshots/');
    const second = await backUp(repository, tree);
    assert.equal(second.summary.dataAdded, 0);
    assert.equal(second.snapshot?.tree, first.snapshot?.tree);
    const { problems, notes } = await repository.check();
    assert.deepEqual([...problems, ...notes], []);
  });

  test('stay listed once, however many backups follow', async () => {
    const repository = await testRepository();
    await backUp(repository, tree);
    await deleteAll(repository.store, 'index/');
    for (let round = 0; round < 3; round += 1) await backUp(repository, { ...tree, round: `${round}` });
    const { problems, notes } = await repository.check();
    assert.deepEqual([...problems, ...notes], []);
  });

  test('are listed even by a run that fails', async () => {
    const repository = await testRepository();
    await backUp(repository, tree);
    await deleteAll(repository.store, 'index/');
    const failing = { ...tree, z: () => assert.fail('the source is gone') };
    await assert.rejects(backUp(repository, failing), /the source is gone/);
    assert.equal((await keysOf(repository.store, 'index/')).length, 1);
    assert.deepEqual((await repository.check()).problems, []);
  });

  test('are left alone where rustic has marked them: it will remove them', async () => {
    const repository = await testRepository();
    const { store, key } = repository;
    await backUp(repository, tree);
    await deleteAll(store, 'index/');
    await deleteAll(store, 'snapshots/');
    const marked = (await keysOf(store, 'data/')).map((pack) => ({
      id: pack.slice(-64),
      blobs: [],
      time: '2026-11-21T05:04:05+02:00',
    }));
    await saveUnpacked(store, new Sealer(key), 'index', { packs: [], packs_to_delete: marked });
    const { summary } = await backUp(repository, tree);
    assert.ok(summary.dataAdded > 1_900_000);
    for (const { id } of marked) await store.delete(`data/${id.slice(0, 2)}/${id}`);
    assert.deepEqual((await repository.check()).problems, []);
  });

  test('are left alone while somebody else has a lock: they may be his', async () => {
    const repository = await testRepository();
    await backUp(repository, tree);
    await deleteAll(repository.store, 'index/');
    await deleteAll(repository.store, 'snapshots/');
    await using _ = await repository.open({ lock: 'shared' });
    const his = await keysOf(repository.store, 'data/');
    const { summary } = await backUp(repository, tree);
    assert.ok(summary.dataAdded > 1_900_000);
    const { problems, notes } = await repository.check();
    assert.deepEqual(problems, []);
    assert.match(notes[0] ?? '', /is in no index: left by a run that did not end/);
    for (const key of his) await repository.store.delete(key); // he died, and a prune removes what he left
    assert.deepEqual((await repository.check()).problems, []);
  });

  test('of somebody who came and went while the repository was open are listed by him alone', async () => {
    const repository = await testRepository();
    await using opened = await repository.open({ lock: 'shared' });
    await opened.write(memoryEntries({ a: 'a' }), writeOptions());
    await backUp(repository, tree);
    const { summary } = await opened.write(memoryEntries(tree), writeOptions());
    assert.equal(summary.dataAdded, 0, 'what he stored is known');
    const { problems, notes } = await repository.check();
    assert.deepEqual([...problems, ...notes], []);
  });

  test('are left alone when their header cannot be read or does not fit', async () => {
    const repository = await testRepository();
    await backUp(repository, tree);
    await deleteAll(repository.store, 'index/');
    await deleteAll(repository.store, 'snapshots/');
    for (const key of await keysOf(repository.store, 'data/')) {
      const bytes = await repository.store.get(key);
      await repository.store.put(
        key,
        key.at(5)! < '8' ? bytes.subarray(0, bytes.length - 5) : bytes.subarray(5),
      );
    }
    await repository.store.put('data/ab/README', Buffer.from('hello'));
    const { summary } = await backUp(repository, tree);
    assert.ok(summary.dataAdded > 1_900_000);
    assert.deepEqual((await repository.check()).problems, []);
  });
});

suite('packs that are gone or cut', () => {
  const damages: Readonly<Record<string, (store: Store, key: string) => Promise<void>>> = {
    deleted: (store, key) => store.delete(key),
    emptied: (store, key) => store.put(key, new Uint8Array()),
    cut: async (store, key) => store.put(key, (await store.get(key)).subarray(0, -1)),
  };
  for (const [what, damage] of Object.entries(damages))
    test(`(${what}) are noticed by the next backup, which stores again what they held`, async () => {
      const repository = await testRepository();
      const first = await backUp(repository, tree);
      for (const key of await keysOf(repository.store, 'data/')) await damage(repository.store, key);
      for (const parent of [undefined, first.snapshot!]) {
        const { snapshot, failures } = await backUp(repository, tree, { ...(parent && { parent }) });
        assert.deepEqual(failures, []);
        await using opened = await repository.open();
        const files = await readFiles(opened, snapshot!, { root: 'test' });
        assert.ok(files.get('a/big')?.equals(content));
        assert.equal(files.size, 3);
        const before = await readFiles(opened, first.snapshot!, { root: 'test' });
        assert.ok(before.get('a/big')?.equals(content), 'the earlier snapshot is healed as well');
      }
      const { problems } = await repository.check();
      assert.ok(
        problems.every((problem) => problem.includes('data/')),
        problems.join('\n'),
      );
    });

  test('make files that did not change be read again, or named', async () => {
    const repository = await testRepository();
    const first = await backUp(repository, tree);
    await deleteAll(repository.store, 'data/');
    const report = await backUp(
      repository,
      { 'a/big': { unchanged: true, content: () => [content] }, b: { unchanged: true } },
      { parent: first.snapshot! },
    );
    assert.deepEqual(
      report.failures.map(({ path }) => path),
      ['b'],
    );
    await using opened = await repository.open();
    const files = await readFiles(opened, report.snapshot!, { root: 'test' });
    assert.deepEqual([...files.keys()], ['a/big']);
    assert.ok(files.get('a/big')?.equals(content));
  });

  test('are stored again once, not by every backup that follows', async () => {
    const repository = await testRepository();
    await backUp(repository, tree);
    await deleteAll(repository.store, 'data/');
    await backUp(repository, tree);
    const { summary } = await backUp(repository, tree);
    assert.equal(summary.dataAdded, 0);
  });
});

test('whoever finds that the repository was pruned behind his back makes no snapshot, and the next run does', async () => {
  const repository = await testRepository();
  await backUp(repository, tree);
  const pruning = {
    ...tree,
    later: async function* () {
      const { snapshot } = await repository.write(memoryEntries({ b: 'b' }));
      await using exclusive = await repository.open();
      for (const other of await exclusive.snapshots())
        if (other.id !== snapshot?.id) await exclusive.forget(other);
      await exclusive.prune({ maxUnused: { bytes: 0 } });
      yield Buffer.from('later');
    },
  };
  await assert.rejects(backUp(repository, pruning), {
    code: 'REPOSITORY_LOCKED',
    message: /rewrote the index/,
  });
  assert.deepEqual((await repository.check()).problems, []);
  await backUp(repository, tree);
  assert.deepEqual((await repository.check()).problems, []);
});

test('whoever finds that his lock was removed makes no snapshot of packs that others may have pruned', async () => {
  const { store, open, check } = await testRepository();
  await using opened = await open({ lock: 'shared' });
  const big = async function* () {
    for (let seed = 0; (await keysOf(store, 'data/')).length === 0; seed += 1)
      yield randomData(8_000_000, seed); // until a pack is full
    await removeLocks(store, testPassword, true); // as restic's unlock does it, when we are in another container
    await using exclusive = await open({ lock: 'exclusive' });
    await exclusive.prune({ maxUnused: { bytes: 0 } });
  };
  await assert.rejects(opened.write(memoryEntries({ big }), writeOptions()), {
    code: 'REPOSITORY_LOCKED',
    message: /was lost: somebody removed it/,
  });
  assert.deepEqual(await keysOf(store, 'snapshots/'), []);
  const { snapshots, problems } = await check();
  assert.deepEqual([snapshots, problems], [0, []], 'no index lists what is gone: restic would rely on it');
});

suite('a blob that several packs hold', () => {
  /** A repository in which everything lies twice. */
  const doubled = async (): Promise<{
    repository: TestRepository;
    report: WriteReport;
    packs: string[][];
  }> => {
    const repository = await testRepository();
    await using _ = await repository.open({ lock: 'shared' });
    await backUp(repository, tree);
    const packs = [await keysOf(repository.store, 'data/')];
    const hidden = await Promise.all(
      (await keysOf(repository.store, 'index/')).map(
        async (key) => [key, await repository.store.get(key)] as const,
      ),
    );
    await deleteAll(repository.store, 'index/');
    const report = await backUp(repository, tree);
    for (const [key, bytes] of hidden) await repository.store.put(key, bytes);
    packs.push((await keysOf(repository.store, 'data/')).filter((key) => !packs[0]?.includes(key)));
    return { repository, report, packs };
  };

  for (const lost of [0, 1])
    test(`is read from the other when one is lost (${lost})`, async () => {
      const { repository, report, packs } = await doubled();
      for (const [at, key] of packs[lost]!.entries())
        if (at % 2 === 0) await repository.store.delete(key);
        else await repository.store.put(key, randomData(2_000_000, at));
      await using opened = await repository.open();
      const files = await readFiles(opened, report.snapshot!, { root: 'test' });
      assert.ok(files.get('a/big')?.equals(content));
      assert.equal(files.size, 3);
      assert.equal((await Array.fromAsync(opened.list(report.snapshot!))).length, 5);
    });

  test('is an error when no copy is good', async () => {
    const { repository, report, packs } = await doubled();
    for (const key of packs.flat()) await repository.store.delete(key);
    await using opened = await repository.open();
    await assert.rejects(readFiles(opened, report.snapshot!), { code: 'REPOSITORY_DAMAGED' });
  });
});
