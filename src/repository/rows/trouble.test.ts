// What goes wrong while a table is stored by rows: a snapshot is right or there is none, and the next one is right.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import type { Content, Entry } from '#sources/source.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { passOn } from '#stores/wrappers/pass-on.ts';
import { heldBufferBytes } from '../../../test/tools/held-memory.ts';
import type { Snapshot } from '../contract.ts';
import {
  fileEntry,
  keysOf,
  readFiles,
  type TestRepository,
  testRepository,
  writeOptions,
} from '../testing.ts';

const path = 'data/a/0000.copy';
const rows = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, at) => `${from + at}\t${'kelp '.repeat(20)}${((from + at) * 7919) % 10007}\n`,
  ).join('');
const first = rows(0, 20_000);

async function* entries(...all: Entry[]): AsyncGenerator<Entry> {
  yield* all;
}

const table = (content: string | (() => Content), at = path): Entry =>
  typeof content === 'string'
    ? { ...fileEntry(at, Buffer.from(content)), chunking: 'lines' }
    : { path: at, type: 'file', meta: {}, chunking: 'lines', content };

const repositoryWith = async (text: string): Promise<{ repository: TestRepository; parent: Snapshot }> => {
  const repository = await testRepository();
  const { snapshot } = await repository.write(entries(table(text)));
  return { repository, parent: snapshot as Snapshot };
};

const tableIn = async (repository: TestRepository, snapshot: Snapshot | undefined): Promise<string> => {
  await using open = await repository.open();
  const files = await readFiles(open, snapshot as Snapshot, { root: 'test' });
  return (files.get(path) ?? Buffer.alloc(0)).toString();
};

const sorted = (text: string): string => text.split('\n').sort().join('\n');

suite('a table that cannot be read to its end', () => {
  for (const code of ['ITEM_UNREADABLE', 'SOURCE_UNREACHABLE'] as const)
    test(`with ${code} is in no snapshot, and the next one has it`, async () => {
      const { repository, parent } = await repositoryWith(first);
      await using open = await repository.open();
      const broken = table(function* () {
        yield Buffer.from(rows(50, 9000));
        throw new HoldfastError(code, 'the table went away');
      });
      const writing = open.write(entries(broken), writeOptions({ parent }));
      if (code === 'ITEM_UNREADABLE') {
        const { snapshot, failures } = await writing;
        assert.equal(failures.length, 1);
        assert.ok(snapshot?.tags.includes('partial'));
        assert.equal(await tableIn(repository, snapshot), '');
        const lacking = await open.write(
          entries(table(first)),
          writeOptions({ parent: snapshot as Snapshot }),
        );
        assert.equal(await tableIn(repository, lacking.snapshot), first);
      } else await assert.rejects(writing, { code });
      const text = rows(40, 20_100);
      const next = await open.write(entries(table(text)), writeOptions({ parent }));
      assert.equal(sorted(await tableIn(repository, next.snapshot)), sorted(text));
    });

  test('because it ends within a row is in no snapshot', async () => {
    const { repository, parent } = await repositoryWith(first);
    await assert.rejects(repository.write(entries(table(`${first}half a`)), { parent }), { code: 'FAILED' });
  });
});

test('a backup is cancelled in the middle of a table, also one in which nothing is new', async () => {
  const { repository, parent } = await repositoryWith(first);
  const cancel = new AbortController();
  let pulled = 0;
  const endless = table(function* () {
    for (; pulled < 1000; pulled += 1) {
      if (pulled === 5) cancel.abort();
      yield Buffer.from(rows(20 * pulled, 20 * pulled + 20));
    }
  });
  await using open = await repository.open();
  const writing = open.write(entries(endless), writeOptions({ parent, signal: cancel.signal }));
  await assert.rejects(writing, { code: 'CANCELLED' });
  assert.equal(pulled, 5);
  const { snapshot } = await open.write(entries(table(first)), writeOptions({ parent }));
  assert.equal(await tableIn(repository, snapshot), first);
});

test('of a row that is very long no more is held in memory than of a few short ones', async () => {
  const { repository, parent } = await repositoryWith(first);
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const before = heldBufferBytes();
  let most = 0;
  const long = table(function* () {
    yield Buffer.from(first.slice(0, 1000));
    for (let at = 0; at < 200; at += 1) {
      yield piece;
      if (at % 20 === 19) most = Math.max(most, heldBufferBytes() - before);
    }
    yield Buffer.from(first.slice(999));
  });
  const { snapshot } = await repository.write(entries(long), { parent });
  assert.ok(most < 128 * 1024 * 1024, `${most} bytes`);
  const text = `${first.slice(0, 1000)}${'x'.repeat(200 * 1024 * 1024)}${first.slice(999)}`;
  assert.ok(sorted(await tableIn(repository, snapshot)) === sorted(text));
});

suite('a table is stored whole', () => {
  test('when its blobs are damaged, and none of them is taken for stored', async () => {
    const { repository, parent } = await repositoryWith(first);
    const { store } = repository;
    const sizes = new Map((await Array.fromAsync(store.list('data/'))).map(({ key, size }) => [key, size]));
    const [[pack = '', size = 0] = []] = [...sizes].sort(([, a], [, b]) => b - a);
    const bytes = new Uint8Array(await store.get(pack));
    for (let at = 0; at < size - 400; at += 100) bytes[at] = (bytes[at] as number) ^ 1;
    await store.put(pack, bytes);
    const { snapshot } = await repository.write(entries(table(first)), { parent });
    assert.ok((await tableIn(repository, snapshot)) === first);
    const text = rows(5, 20_005);
    const { snapshot: next, summary } = await repository.write(entries(table(text)), {
      parent: snapshot as Snapshot,
    });
    assert.equal(sorted(await tableIn(repository, next)), sorted(text));
    assert.ok(summary.dataAdded < 100_000);
  });

  test('when a pack is gone', async () => {
    const { repository, parent } = await repositoryWith(first);
    for (const key of await keysOf(repository.store, 'data/')) await repository.store.delete(key);
    const { snapshot } = await repository.write(entries(table(first)), { parent });
    assert.ok((await tableIn(repository, snapshot)) === first);
  });

  test('when its packs may not be read', async () => {
    const store = memoryStore();
    let areFrozen = false;
    const frozen: Store = {
      ...passOn(store),
      async get(key, range) {
        if (areFrozen && key === pack) throw new HoldfastError('STORE_DENIED', 'it is in an archive');
        return await store.get(key, range);
      },
    };
    const repository = await testRepository(frozen);
    const { snapshot: parent } = await repository.write(entries(table(first)));
    const packs = await Array.fromAsync(store.list('data/'));
    const [pack] = packs.sort((a, b) => b.size - a.size).map(({ key }) => key);
    areFrozen = true;
    const text = rows(5, 20_005);
    const { snapshot } = await repository.write(entries(table(text)), { parent: parent as Snapshot });
    areFrozen = false;
    assert.equal(sorted(await tableIn(repository, snapshot)), sorted(text));
  });

  test('when a third of what a restore would read is gone, in however few rows', async () => {
    const { repository, parent } = await repositoryWith(first);
    let last = parent;
    for (const letter of 'abcd') {
      const text = `${letter.repeat(1_000_000)}\n${first}`;
      const { snapshot } = await repository.write(entries(table(text)), { parent: last });
      last = snapshot as Snapshot;
      assert.ok(sorted(await tableIn(repository, last)) === sorted(text));
    }
    await using open = await repository.open();
    const { bytes, bytesPlain } = await open.usage([last]);
    assert.ok(bytesPlain < 1.7 * bytes, `${bytesPlain} for ${bytes}`);
  });
});

test('a dry run stores nothing, and counts what a backup would store', async () => {
  const { repository, parent } = await repositoryWith(first);
  const before = await keysOf(repository.store);
  await using open = await repository.open();
  const text = rows(5, 20_005);
  const dry = await open.write(entries(table(text)), writeOptions({ parent, dryRun: true }));
  assert.deepEqual(await keysOf(repository.store), before);
  const { summary } = await open.write(entries(table(text)), writeOptions({ parent }));
  assert.deepEqual(dry.summary.dataBlobs, summary.dataBlobs);
});
