// What a check says of a repository whose parts do not fit together. Damaged bytes are test/damage.test.ts's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import type { Store } from '#stores/store.ts';
import { randomData } from '../chunker/testing.ts';
import { loadIndex, saveIndex } from '../packs/index-file.ts';
import { Sealer } from '../sealing/seal.ts';
import { saveSnapshot } from '../snapshot.ts';
import {
  keysOf,
  memoryEntries,
  neverFires,
  openTestRepository,
  putTrees,
  type TestRepository,
  testRepository,
} from '../testing.ts';

const tree = { 'a/one': randomData(900_000, 1), 'a/two': 'two', three: 'three' };

const writtenOnce = async (): Promise<TestRepository> => {
  const repository = await testRepository();
  await repository.write(memoryEntries(tree));
  return repository;
};

/** Puts another index in the place of the one there is. */
const rewriteIndex = async (
  { store, key }: TestRepository,
  change: (packs: Awaited<ReturnType<typeof loadIndex>>) => Awaited<ReturnType<typeof loadIndex>>,
  keepOld = false,
): Promise<void> => {
  const sealer = new Sealer(key);
  const [old = ''] = await keysOf(store, 'index/');
  const packs = await loadIndex(store, sealer, old.slice('index/'.length));
  if (!keepOld) await store.delete(old);
  await saveIndex(store, sealer, change(packs));
};

test('a whole repository has no problems, and its parts are counted', async () => {
  const repository = await writtenOnce();
  const progress: string[] = [];
  await using opened = await repository.open();
  const report = await opened.check({
    readData: 1,
    signal: neverFires,
    onProgress: ({ phase, items }) => progress.push(`${phase} ${items}`),
  });
  const packs = await keysOf(repository.store, 'data/');
  const sizes = await Promise.all(packs.map(async (key) => (await repository.store.get(key)).length));
  assert.deepEqual(report, {
    packs: packs.length,
    blobs: report.blobs,
    snapshots: 1,
    bytesRead: sizes.reduce((sum, size) => sum + size, 0),
    problems: [],
    notes: [],
  });
  assert.equal(progress.at(-1), `check data ${packs.length}`);
});

test('an empty repository is whole', async () => {
  const { problems, notes, packs } = await (await testRepository()).check();
  assert.deepEqual([problems, notes, packs], [[], [], 0]);
});

test('a pack that was read wrongly once is whole', async () => {
  const repository = await writtenOnce();
  const { store, key } = repository;
  const seen = new Set<string>();
  const get: Store['get'] = async (name, range) => {
    const bytes = new Uint8Array(await store.get(name, range));
    if (name.startsWith('data/') && !range && !seen.has(name)) bytes[0]! ^= 1;
    if (!range) seen.add(name);
    return bytes;
  };
  const { problems } = await openTestRepository({ ...store, get }, key).check();
  assert.deepEqual(problems, []);
  assert.ok(seen.size > 0);
});

test('a pack that stands in two index files is a note, unless they do not agree', async () => {
  const repository = await writtenOnce();
  await rewriteIndex(repository, (packs) => packs, true);
  const { problems, notes } = await repository.check();
  assert.deepEqual(problems, []);
  assert.match(notes.join(), /stands in more than one index/);
  await rewriteIndex(
    repository,
    (packs) => packs.map(({ id, entries }) => ({ id, entries: entries.slice(1) })),
    true,
  );
  assert.match((await repository.check(0)).problems.join(), /two index files do not agree on what it holds/);
});

test('an index that leaves out a blob, or moves one, is found by structure and by reading', async () => {
  const left = await writtenOnce();
  await rewriteIndex(left, (packs) =>
    packs.map(({ id, entries }) => ({ id, entries: entries.length > 1 ? entries.slice(0, -1) : entries })),
  );
  const { problems } = await left.check(0);
  assert.match(problems.join('\n'), /has \d+ bytes; its index says \d+/);
  assert.match(problems.join('\n'), /is used by a snapshot and is in no index|tree blob .* is in no index/);

  const moved = await writtenOnce();
  await rewriteIndex(moved, (packs) =>
    packs.map(({ id, entries }) => ({
      id,
      entries: entries.map((entry) => ({ ...entry, offset: entry.offset + 1 })),
    })),
  );
  assert.match((await moved.check(0)).problems.join(), /leaves a gap or an overlap at byte 0/);
  assert.match((await moved.check(1)).problems.join(), /its header and the index do not list the same blobs/);
});

test('a lost pack is one problem however often it is met, and a pack in many index files one note', async () => {
  const repository = await writtenOnce();
  const { store } = repository;
  for (const _ of [1, 2]) await rewriteIndex(repository, (packs) => packs, true);
  const packs = await keysOf(store, 'data/');
  for (const key of packs) await store.delete(key);
  const { problems, notes } = await repository.check();
  for (const pack of packs)
    assert.equal(problems.filter((problem) => problem === `${pack} is missing`).length, 1);
  assert.equal(notes.length, packs.length);
});

test('a folder whose names are not in order, or stand there twice, is a note', async () => {
  for (const [names, notes] of [
    [['a', 'b', 'b.txt', 'ä'], 0],
    [['b', 'a'], 1],
    [['a', 'a'], 1],
  ] as const) {
    const repository = await testRepository();
    const { snapshot } = await repository.write(memoryEntries({ a: 'one' }));
    const tree = await putTrees(repository, (put) =>
      put(names.map((name) => ({ name, type: 'fifo', meta: {} }))),
    );
    await saveSnapshot(repository.store, new Sealer(repository.key), { ...snapshot!, tree });
    const found = await repository.check(0);
    assert.deepEqual([found.problems.length, found.notes.length], [0, notes], names.join());
    if (notes > 0) assert.match(found.notes.join(), new RegExp(`tree ${tree}: its names are not in order`));
  }
});

test('what is no pack among the packs is a note', async () => {
  const repository = await writtenOnce();
  await repository.store.put('data/00/README', Buffer.from('hello'));
  assert.deepEqual((await repository.check()).notes, ['data/00/README is not a pack']);
});

test('a store that cannot be reached is an error and not a damaged repository', async () => {
  const { store, key } = await writtenOnce();
  for (const prefix of ['keys/', 'index/', 'snapshots/', 'data/']) {
    let opened = false;
    const lost = {
      ...store,
      get: async (each: string, range?: Parameters<typeof store.get>[1]): Promise<Uint8Array> => {
        if (opened && each.startsWith(prefix))
          throw new HoldfastError('STORE_UNREACHABLE', 'the line is down');
        return store.get(each, range);
      },
    };
    await using repository = await openTestRepository(lost, key).open();
    opened = true;
    await assert.rejects(repository.check({ readData: 1, signal: neverFires }), {
      code: 'STORE_UNREACHABLE',
    });
  }
});

test('a check that is cancelled ends with that', async () => {
  await using repository = await (await writtenOnce()).open();
  await assert.rejects(repository.check({ readData: 1, signal: AbortSignal.abort() }), { code: 'CANCELLED' });
});

test('a pack that lies in the folder of others is missing where it should lie', async () => {
  const repository = await writtenOnce();
  const [key = ''] = await keysOf(repository.store, 'data/');
  await repository.store.put(key.replace(/^data\/../, 'data/other'), await repository.store.get(key));
  await repository.store.delete(key);
  const { problems, notes } = await repository.check(0);
  assert.ok(problems.includes(`${key} is missing`), problems.join());
  assert.deepEqual(notes, [`${key.replace(/^data\/../, 'data/other')} is not a pack`]);
});
