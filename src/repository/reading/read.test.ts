// Looking into a snapshot: all of it, a part, and what is left of a damaged one.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { suite, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import type { Entry } from '#sources/source.ts';
import { randomData, sqlData } from '../chunker/testing.ts';
import type { ReadOptions } from '../contract.ts';
import { saveIndex } from '../packs/index-file.ts';
import { Sealer } from '../sealing/seal.ts';
import {
  keysOf,
  memoryEntries,
  openTestRepository,
  putTrees,
  readFiles,
  testRepository,
  writeOptions,
} from '../testing.ts';
import { openedInOrder } from './read-content.ts';

const tree = {
  'data/a/1': sqlData(900_000, 1),
  'data/a/2': 'two',
  'data/b/3': randomData(5_000_000, 3),
  'data/b/4': '',
  'data/link': '->a/1',
  'data.txt': 'sorts before data/',
  'schema.sql': 'create table a ();',
};
const fixture = await testRepository();
const { snapshot } = await fixture.write(memoryEntries(tree));
assert.ok(snapshot);

const paths = async (options: ReadOptions = {}): Promise<string[]> => {
  await using repository = await fixture.open();
  const listed = await Array.fromAsync(repository.list(snapshot, options), ({ path }) => path);
  const read = await Array.fromAsync(repository.read(snapshot, options), ({ path }) => path);
  assert.deepEqual(read, listed);
  return listed;
};

suite('a snapshot is listed', () => {
  test('depth first, each folder before what is in it, with the folder it was written under', async () => {
    assert.deepEqual(await paths(), [
      'test',
      'test/data',
      'test/data/a',
      'test/data/a/1',
      'test/data/a/2',
      'test/data/b',
      'test/data/b/3',
      'test/data/b/4',
      'test/data/link',
      'test/data.txt',
      'test/schema.sql',
    ]);
  });

  test('as the source made it, when its root is named', async () => {
    assert.deepEqual((await paths({ root: 'test' })).slice(0, 3), ['', 'data', 'data/a']);
  });

  test('from a path on, with or without the root, whatever slashes stand around it', async () => {
    for (const path of ['test/data/a', '/test/data/a', 'test/data/a/'])
      assert.deepEqual(await paths({ path }), ['test/data/a', 'test/data/a/1', 'test/data/a/2']);
    assert.deepEqual(await paths({ path: 'test/data/a', root: 'test' }), ['data/a', 'data/a/1', 'data/a/2']);
    assert.deepEqual(await paths({ path: 'test/data/a/1' }), ['test/data/a/1']);
    assert.deepEqual(await paths({ path: 'test/data/link' }), ['test/data/link']);
  });

  test('without what is left out, and without loading what lies below it', async () => {
    const asked: string[] = [];
    const include = (path: string, type: string): boolean => {
      asked.push(`${type} ${path}`);
      return path !== 'data';
    };
    assert.deepEqual(await paths({ root: 'test', include }), ['', 'data.txt', 'schema.sql']);
    assert.ok(!asked.includes('dir data/a'));
    assert.ok(asked.includes('dir data') && asked.includes('file schema.sql'));
  });

  for (const path of ['nothing', 'test/data/a/1/x', 'test/data/c', '..', 'test/../test', 'test//data'])
    test(`not from ${path}, which it does not have`, async () => {
      await assert.rejects(paths({ path }), { code: 'PATH_UNKNOWN', hint: /holdfast ls/ });
    });

  test('no further once it is cancelled', async () => {
    const cancel = new AbortController();
    await using repository = await fixture.open();
    for (const way of ['list', 'read'] as const) {
      const seen: string[] = [];
      await assert.rejects(
        async () => {
          for await (const { path } of repository[way](snapshot, { signal: cancel.signal })) {
            seen.push(path);
            cancel.abort();
          }
        },
        { code: 'CANCELLED' },
      );
      assert.ok(seen.length <= 11);
    }
  });
});

suite('contents are read', () => {
  test('as often as asked, several at once, in any order, and not at all', async () => {
    await using repository = await fixture.open();
    const entries = await Array.fromAsync(repository.read(snapshot, { root: 'test' }));
    const bytesOf = async ({ content }: Entry): Promise<Buffer> => {
      const chunks: Buffer[] = [];
      for await (const chunk of content?.() ?? []) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    };
    const files = entries.filter(({ type, path }) => type === 'file' && path !== 'data/a/2').toReversed();
    const [first, second] = await Promise.all([1, 2].map(() => Promise.all(files.map(bytesOf))));
    for (const [at, { path }] of files.entries())
      for (const bytes of [first?.[at], second?.[at]])
        assert.ok(bytes?.equals(Buffer.from(tree[path as keyof typeof tree])), path);
  });

  test('by a reader that stops in the middle of a file, without harm to the next', async () => {
    await using repository = await fixture.open();
    for (let round = 0; round < 3; round += 1) {
      for await (const { path, content } of repository.read(snapshot)) {
        if (!path.endsWith('/3')) continue;
        for await (const _ of content?.() ?? []) break;
        break;
      }
    }
    assert.equal((await readFiles(repository, snapshot)).size, 6);
  });
});

test('entries that are read one by one are whole, although their memory is used again', async () => {
  const { write, open } = await testRepository();
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, number) => [`f${number}`, randomData(50_000 + number, number)]),
  );
  const written = await write(memoryEntries({ ...many, large: randomData(9_000_000, 1) }));
  await using repository = await open();
  const seen: Uint8Array[] = [];
  for await (const { path, content } of repository.read(written.snapshot!, {
    root: 'test',
    oneByOne: true,
  })) {
    const chunks: Buffer[] = [];
    for await (const chunk of content?.() ?? []) {
      chunks.push(Buffer.from(chunk));
      seen.push(chunk);
    }
    if (path in many) assert.ok(Buffer.concat(chunks).equals(many[path]!), path);
  }
  assert.ok(seen.some(({ length }) => length === 0));
});

test('blobs that lie side by side in memory are given as one, up to one that is damaged', () => {
  const [one, two] = [randomData(100, 1), randomData(50, 2)].map((bytes) => bytes.slice());
  const damaged = new HoldfastError('REPOSITORY_DAMAGED', 'blob d');
  const blobs = new Map<string, Uint8Array | HoldfastError>([
    ['a', one!.subarray(0, 30)],
    ['b', one!.subarray(30, 90)],
    ['empty', one!.subarray(90, 90)],
    ['c', one!.subarray(90)],
    ['d', damaged],
    ['e', two!],
  ]);
  const pieces = (...ids: string[]): string[] =>
    Array.from(openedInOrder(blobs, ids), (piece) => Buffer.from(piece).toString('hex'));
  const hex = (...parts: Uint8Array[]): string => Buffer.concat(parts).toString('hex');
  assert.deepEqual(pieces('a', 'b', 'empty', 'c', 'e'), [hex(one!), hex(two!)]);
  assert.deepEqual(pieces('b', 'a', 'a', 'c'), [
    hex(one!.subarray(30, 90)),
    hex(one!.subarray(0, 30)),
    hex(one!.subarray(0, 30)),
    hex(one!.subarray(90)),
  ]);
  assert.deepEqual(pieces('empty'), []);
  const before: Uint8Array[] = [];
  assert.throws(
    () => {
      for (const piece of openedInOrder(blobs, ['a', 'b', 'd', 'e'])) before.push(piece);
    },
    (error) => error === damaged,
  );
  assert.equal(hex(...before), hex(one!.subarray(0, 90)));
  assert.throws(() => pieces('f'), { code: 'REPOSITORY_DAMAGED' });
});

suite('the source sees its last snapshot', () => {
  test('by its own paths, with metadata and content', async () => {
    await using repository = await fixture.open();
    const previous = repository.previous(snapshot, 'test');
    assert.equal((await previous.entry(''))?.type, 'dir');
    assert.equal((await previous.entry('data/link'))?.meta.linkTarget, 'a/1');
    assert.equal(await previous.entry('data/a/3'), undefined);
    assert.equal(await previous.entry('data/a/1/x'), undefined);
    const rows = await previous.entry('data/a/1');
    assert.equal(rows?.meta.size, 900_000);
    const chunks = await Array.fromAsync(rows.content(), (chunk) => Buffer.from(chunk));
    assert.ok(Buffer.concat(chunks).equals(tree['data/a/1']));
    assert.deepEqual(await Array.fromAsync((await previous.entry('data'))?.content() ?? []), []);
  });

  test('as far as it can be read: what is damaged counts as not there', async () => {
    const repository = await testRepository();
    const report = await repository.write(memoryEntries(tree));
    for (const key of await keysOf(repository.store, 'data/')) await repository.store.delete(key);
    await using opened = await repository.open();
    const previous = opened.previous(report.snapshot!, 'test');
    assert.equal(await previous.entry('data/a/1'), undefined);
    await assert.rejects(Array.fromAsync(opened.list(report.snapshot!)), { code: 'REPOSITORY_DAMAGED' });
  });
});

test('of a snapshot with a damaged pack every whole file is read, and every other one is an error', async () => {
  const repository = await testRepository();
  const many = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`${index % 5}/${index}`, sqlData(100 + index * 300, index)]),
  );
  const report = await repository.write(memoryEntries(many));
  const packs = await Promise.all(
    (await keysOf(repository.store, 'data/')).map(async (key) => ({
      key,
      bytes: await repository.store.get(key),
    })),
  );
  const { key, bytes } = packs.toSorted((a, b) => b.bytes.length - a.bytes.length)[0]!;
  for (const at of [0.2, 0.5, 0.8]) bytes[Math.floor(bytes.length * at)]! ^= 0x10;
  await repository.store.put(key, bytes);
  await using opened = await repository.open();
  let whole = 0;
  let damaged = 0;
  for await (const { path, type, content } of opened.read(report.snapshot!, { root: 'test' })) {
    if (type !== 'file') continue;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of content?.() ?? []) chunks.push(Buffer.from(chunk));
      assert.ok(Buffer.concat(chunks).equals(many[path]!), path);
      whole += 1;
    } catch (error) {
      assert.ok(error instanceof HoldfastError && error.code === 'REPOSITORY_DAMAGED', String(error));
      assert.match(error.message, /^blob [0-9a-f]{64} in data\/.. ?/);
      damaged += 1;
    }
  }
  assert.equal(whole + damaged, 200);
  assert.ok(damaged >= 1 && damaged <= 3, `${damaged} damaged`);
});

test('of a snapshot with a damaged folder all else is given to who is told of it, and an error to others', async () => {
  const repository = await testRepository();
  await repository.write(memoryEntries({ 'b/2': 'two' }));
  const first = await keysOf(repository.store, 'data/');
  const report = await repository.write(memoryEntries({ 'a/1': 'one', 'b/2': 'two', 'c/3': 'three' }));
  for (const key of first) await repository.store.delete(key);
  await using opened = await repository.open();
  const told: string[] = [];
  const options: ReadOptions = {
    root: 'test',
    onDamaged: (path, { code }) => told.push(`${path} ${code}`),
  };
  const paths = ['', 'a', 'a/1', 'b', 'c', 'c/3'];
  assert.deepEqual(await Array.fromAsync(opened.list(report.snapshot!, options), ({ path }) => path), paths);
  assert.deepEqual(await Array.fromAsync(opened.read(report.snapshot!, options), ({ path }) => path), paths);
  assert.deepEqual(told, ['b REPOSITORY_DAMAGED', 'b REPOSITORY_DAMAGED']);
  await assert.rejects(Array.fromAsync(opened.read(report.snapshot!)), { code: 'REPOSITORY_DAMAGED' });
});

test('an open repository that is closed ends its readers with an error, and closing twice is harmless', async () => {
  const repository = await fixture.open({ lock: 'shared' });
  const entries = repository.read(snapshot)[Symbol.asyncIterator]();
  await entries.next();
  await repository[Symbol.asyncDispose]();
  await repository[Symbol.asyncDispose]();
  assert.deepEqual(await keysOf(fixture.store, 'locks/'), []);
});

test('while a snapshot is written, one whose root is lost can be asked for, and is an error', {
  timeout: 60_000,
}, async () => {
  const repository = await testRepository();
  const { snapshot: lost } = await repository.write(memoryEntries({ a: 'a' }));
  for (const prefix of ['data/', 'index/'])
    for (const key of await keysOf(repository.store, prefix)) await repository.store.delete(key);
  await using opened = await repository.open();
  const lateTags = async (): Promise<string[]> => {
    await assert.rejects(readFiles(opened, lost!), { code: 'REPOSITORY_DAMAGED' });
    return [];
  };
  const { snapshot } = await opened.write(memoryEntries({ b: 'b' }), writeOptions({ lateTags }));
  assert.deepEqual([...(await readFiles(opened, snapshot!)).keys()], ['test/b']);
});

test('a file that a stranger made of one byte, named again and again, is read', async () => {
  const made = await testRepository();
  const { snapshot: small } = await made.write(memoryEntries({ a: 'h' }));
  const content = Array<string>(300_000).fill(hash('sha256', 'h'));
  const tree = await putTrees(made, (put) => put([{ name: 'many', type: 'file', meta: {}, content }]));
  await using repository = await made.open();
  const files = await readFiles(repository, { ...small!, tree });
  assert.equal(files.get('many')?.length, 300_000);
});

test('sizes of index files that a server makes up take no memory', async () => {
  const { store, key } = fixture;
  const lying: typeof store = {
    ...store,
    async *list(prefix) {
      for await (const object of store.list(prefix)) yield { ...object, size: 2 ** 50 };
    },
  };
  await using repository = await openTestRepository(lying, key).open();
  const before = process.memoryUsage().rss;
  assert.equal((await readFiles(repository, snapshot, { root: 'test' })).size, 6);
  assert.ok(process.memoryUsage().rss - before < 1024 ** 3);
});

test('what an index says twice, and again and again, is read in no time, and a blob that would fill the memory is damaged', async () => {
  const { store, key } = await testRepository();
  const sealer = new Sealer(key);
  const once = { id: 'ab'.repeat(32), type: 'data', offset: 0, length: 100, plainLength: 0 } as const;
  await saveIndex(store, sealer, [{ id: 'cd'.repeat(32), entries: Array(100_000).fill(once) }]);
  const large = { ...once, id: 'ef'.repeat(32), type: 'tree', plainLength: 2 ** 32 - 1 } as const;
  await saveIndex(store, sealer, [{ id: 'ba'.repeat(32), entries: [large] }]);
  await using repository = await openTestRepository(store, key).open();
  await assert.rejects(readFiles(repository, { ...snapshot, tree: large.id }), {
    code: 'REPOSITORY_DAMAGED',
    message: /is to become 4294967295 bytes, and no tree blob has more than 1073741824$/,
  });
});
