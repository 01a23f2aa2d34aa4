// What is written is what is read, for every shape of a source.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { setImmediate as otherWork } from 'node:timers/promises';
import { decodeName, encodeName } from '#lib/file-name.ts';
import { seededRandom } from '#lib/random.ts';
import type { Content, Entry } from '#sources/source.ts';
import { randomData, sqlData } from '../chunker/testing.ts';
import type { ListedEntry, WriteReport } from '../contract.ts';
import {
  fileEntry,
  memoryEntries,
  readFiles,
  type TestRepository,
  testRepository,
  writeOptions,
} from '../testing.ts';

const listed = async ({ open }: TestRepository, { snapshot }: WriteReport): Promise<ListedEntry[]> => {
  await using repository = await open();
  return await Array.fromAsync(repository.list(snapshot!, { root: 'test' }));
};

const filesOf = async ({ open }: TestRepository, { snapshot }: WriteReport): Promise<Map<string, Buffer>> => {
  await using repository = await open();
  return await readFiles(repository, snapshot!, { root: 'test' });
};

const assertWhole = async (repository: TestRepository): Promise<void> => {
  const { problems, notes } = await repository.check();
  assert.deepEqual([...problems, ...notes], []);
};

suite('a file comes back byte for byte', () => {
  const mebibyte = 1024 * 1024;
  const contents: Readonly<Record<string, Uint8Array>> = {
    empty: new Uint8Array(0),
    'of one byte': Buffer.of(0),
    'just below the least chunk': randomData(512 * 1024 - 1, 1),
    'of the least chunk': randomData(512 * 1024, 2),
    'just above the least chunk': randomData(512 * 1024 + 1, 3),
    'of the largest chunk, which nothing cuts': Buffer.alloc(8 * mebibyte, 'a'),
    'of 21 MiB of rows': sqlData(21 * mebibyte, 4),
    'of noise': randomData(3 * mebibyte + 13, 5),
    'of zeros': Buffer.alloc(9 * mebibyte + 1),
  };
  for (const chunking of ['file', 'table'] as const)
    test(`whatever its size and content, cut as a ${chunking} is`, async () => {
      const repository = await testRepository();
      async function* entries(): AsyncGenerator<Entry> {
        for (const [name, content] of Object.entries(contents))
          yield { ...fileEntry(name, content), chunking };
      }
      const report = await repository.write(entries());
      const files = await filesOf(repository, report);
      for (const [name, content] of Object.entries(contents))
        assert.ok(files.get(name)?.equals(content), name);
      assert.equal(files.size, Object.keys(contents).length);
      assert.equal(report.summary.totalFilesProcessed, files.size);
      await assertWhole(repository);
    });

  const shapes: Readonly<Record<string, () => Content>> = {
    'a sync iterable': () => [Buffer.from('ab'), Buffer.from('cd')],
    'an async iterable': async function* () {
      yield Buffer.from('ab');
      await otherWork();
      yield Buffer.from('cd');
    },
    'empty chunks between others': () => [
      Buffer.alloc(0),
      Buffer.from('abc'),
      Buffer.alloc(0),
      Buffer.from('d'),
    ],
    'a chunk at a time': () => [...'abcd'].map((letter) => Buffer.from(letter)),
    'a chunk that is overwritten as soon as the next is pulled': function* () {
      const chunk = Buffer.from('ab');
      yield chunk;
      chunk.write('cd');
      yield chunk;
      chunk.fill(0);
    },
  };
  for (const [what, content] of Object.entries(shapes))
    test(`when it is given as ${what}, whatever size was expected`, async () => {
      const repository = await testRepository();
      const sizes = [undefined, 0, 2, 4, 100];
      const tree = sizes.map((size) => [`${size}`, { meta: size === undefined ? {} : { size }, content }]);
      const report = await repository.write(memoryEntries(Object.fromEntries(tree)));
      for (const [name, bytes] of await filesOf(repository, report))
        assert.equal(String(bytes), 'abcd', name);
      for (const entry of await listed(repository, report))
        if (entry.type === 'file')
          assert.equal(entry.meta.size, 4, 'the size is what was read, not what was expected');
    });

  test('and no blob is empty, whoever gives an empty chunk', async () => {
    const repository = await testRepository();
    const report = await repository.write(
      memoryEntries({ a: { meta: { size: 0 }, content: () => [new Uint8Array(0)] }, b: () => [] }),
    );
    for (const { type, blobs } of await listed(repository, report))
      if (type === 'file') assert.deepEqual(blobs, []);
  });
});

suite('a tree comes back as it was', () => {
  test('with its metadata, types and names that are not UTF-8', async () => {
    const repository = await testRepository();
    const meta = {
      mode: 0o7755,
      mtime: 1_234_567_890_123_456_789n,
      atime: -1n,
      ctime: 2n,
      uid: 4_294_967_294,
      gid: 5,
      user: 'jürgen',
      group: 'wheel & <co>',
      inode: 2n ** 64n - 1n,
      deviceId: 2n ** 63n,
      links: 3,
      xattrs: [{ name: 'user.x', value: Buffer.of(0, 255) }],
    };
    const odd = decodeName(Buffer.of(0x66, 0xff, 0x80));
    const entries: Entry[] = [
      { path: '', type: 'dir', meta: { mode: 0o1777 } },
      { path: 'a-b', type: 'fifo', meta },
      { path: 'a/', type: 'dir', meta },
      { path: `a/${odd}`, type: 'symlink', meta: { ...meta, linkTarget: `../${odd}` } },
      { path: 'a/null', type: 'chardev', meta: { ...meta, device: 259n } },
      { path: 'a.b', type: 'socket', meta },
      { path: 'disk', type: 'dev', meta: { ...meta, device: 2n ** 40n } },
      { ...fileEntry('new\nline', Buffer.from('x'), meta) },
    ].map((entry) => ({ ...entry, path: entry.path.replace(/\/$/, '') }) as Entry);
    const report = await repository.write(toAsync(entries));
    const found = new Map((await listed(repository, report)).map((entry) => [entry.path, entry]));
    assert.deepEqual(
      [...found.keys()],
      ['', 'a', `a/${odd}`, 'a/null', 'a-b', 'a.b', 'disk', 'new\nline'].sort(byNames),
    );
    for (const entry of entries) {
      const { type, meta: read } = found.get(entry.path)!;
      assert.equal(type, entry.type);
      for (const [key, value] of Object.entries(entry.meta))
        assert.deepEqual(read[key as keyof typeof read], value, key);
    }
  });

  test('names stand in the order of their bytes, whatever order the source gave them in', async () => {
    const repository = await testRepository();
    const random = seededRandom('order');
    const names = [
      'a',
      'a-',
      'a.',
      'aa',
      'b',
      'B',
      'é',
      'z',
      '\uffee',
      '🦭',
      decodeName(Buffer.of(0xff)),
      ' ',
      '~',
    ];
    const files = random.shuffle(names).map((name) => fileEntry(name, Buffer.from(name)));
    const report = await repository.write(toAsync(files));
    const found = (await listed(repository, report)).slice(1).map(({ path }) => path);
    assert.deepEqual(found, names.toSorted(byNames));
  });

  test('directories the source did not mention are made', async () => {
    const repository = await testRepository();
    const report = await repository.write(memoryEntries({ 'a/b/c/file': 'x', 'a/other': 'y' }));
    const found = (await listed(repository, report)).map(
      ({ path, type, meta }) => `${type} ${path} ${meta.mode}`,
    );
    assert.deepEqual(found, [
      'dir  448',
      'dir a 448',
      'dir a/b 448',
      'dir a/b/c 448',
      'file a/b/c/file 384',
      'file a/other 384',
    ]);
  });

  test('an empty source makes a snapshot with an empty folder', async () => {
    const repository = await testRepository();
    const report = await repository.write(memoryEntries({}));
    assert.deepEqual(
      (await listed(repository, report)).map(({ path }) => path),
      [''],
    );
    await assertWhole(repository);
  });

  test('a directory of 20,000 names', async () => {
    const repository = await testRepository();
    const names = Array.from({ length: 20_000 }, (_, index) => `file ${index}`);
    const report = await repository.write(
      toAsync(names.map((name) => fileEntry(`many/${name}`, Buffer.from(name.slice(0, 8))))),
    );
    const files = await filesOf(repository, report);
    assert.deepEqual([...files.keys()], names.map((name) => `many/${name}`).toSorted());
    for (const [path, bytes] of files) assert.equal(String(bytes), path.slice(5, 13));
    await assertWhole(repository);
  });

  test('directories 300 levels deep, and back up again', async () => {
    const repository = await testRepository();
    const deep = (levels: number): string =>
      Array.from({ length: levels }, (_, level) => `${level}`).join('/');
    const tree: Record<string, string> = { [`${deep(300)}/bottom`]: 'deep' };
    for (let level = 1; level < 300; level += 7) tree[`${deep(level)}/z`] = `${level}`;
    const first = await repository.write(memoryEntries(tree));
    const files = await filesOf(repository, first);
    assert.deepEqual(Object.fromEntries([...files].map(([path, bytes]) => [path, String(bytes)])), tree);
    const second = await repository.write(memoryEntries(tree), { parent: first.snapshot! });
    assert.equal(second.summary.dirsUnmodified, 302);
    assert.equal(second.summary.treeBlobs, 0);
  });

  test('3,000 directories without a single file', { timeout: 60_000 }, async () => {
    const repository = await testRepository();
    const entries = Array.from({ length: 3000 }, (_, index): Entry[] => [
      { path: `d${index}`, type: 'dir', meta: {} },
      { path: `d${index}/link`, type: 'symlink', meta: { linkTarget: `${index}` } },
    ]);
    const report = await repository.write(toAsync(entries.flat()));
    assert.equal((await listed(repository, report)).length, 6001);
    await assertWhole(repository);
  });
});

suite('several contents at once', () => {
  test('each comes back whole, however their chunks alternate', async () => {
    const repository = await testRepository();
    const contents = Array.from({ length: 12 }, (_, index) => sqlData(700_000 + index * 200_000, index));
    let open = 0;
    let most = 0;
    const slowly = async function* (content: Uint8Array): AsyncGenerator<Uint8Array> {
      open += 1;
      most = Math.max(most, open);
      for (let at = 0; at < content.length; at += 65_536) {
        await otherWork();
        yield content.subarray(at, at + 65_536);
      }
      open -= 1;
    };
    const entries = contents.map(
      (content, index): Entry => ({
        path: `table-${String(index).padStart(2, '0')}`,
        type: 'file',
        meta: {},
        chunking: index % 2 ? 'table' : 'file',
        content: () => slowly(content),
      }),
    );
    const report = await repository.write(toAsync(entries), { concurrency: 4 });
    assert.equal(most, 4);
    assert.deepEqual([...(await filesOf(repository, report)).values()].map(digest), contents.map(digest));
    await assertWhole(repository);
  });

  test('one may wait for the contents of entries before it', async () => {
    const repository = await testRepository();
    for (const concurrency of [1, 2, 4]) {
      const ended: (() => void)[] = [];
      const ends = Array.from(
        { length: 9 },
        (_, index) => new Promise<void>((resolve) => (ended[index] = resolve)),
      );
      const entries = ends.map(
        (_, index): Entry => ({
          path: `${index}`,
          type: 'file',
          meta: {},
          async *content() {
            await Promise.all(ends.slice(0, index));
            yield Buffer.from(`content ${index}`);
            ended[index]?.();
          },
        }),
      );
      const report = await repository.write(toAsync(entries), { concurrency });
      const files = await filesOf(repository, report);
      assert.deepEqual(
        [...files.values()].map(String),
        ends.map((_, index) => `content ${index}`),
      );
    }
  });

  test('a directory is stored when its last content has ended, although others were begun meanwhile', async () => {
    const repository = await testRepository();
    const { promise: lastBegun, resolve } = Promise.withResolvers<void>();
    const first = async function* (): AsyncGenerator<Uint8Array> {
      await lastBegun;
      yield Buffer.from('first');
    };
    const last = async function* (): AsyncGenerator<Uint8Array> {
      resolve();
      yield Buffer.from('last');
    };
    const report = await repository.write(
      memoryEntries({ 'a/b/first': first, 'a/c/x': 'x', 'd/last': last }),
      {
        concurrency: 2,
      },
    );
    assert.equal((await filesOf(repository, report)).size, 3);
    await assertWhole(repository);
  });
});

suite('the next snapshot', () => {
  const tree = { 'a/one': sqlData(900_000, 1), 'a/two': 'two', 'b/three': randomData(600_000, 2), four: '' };

  test('of the same entries stores nothing but itself', async () => {
    const repository = await testRepository();
    const first = await repository.write(memoryEntries(tree));
    const second = await repository.write(memoryEntries(tree), { parent: first.snapshot! });
    assert.equal(second.snapshot?.tree, first.snapshot?.tree);
    const { dataAdded, dataBlobs, treeBlobs, filesUnmodified, dirsUnmodified } = second.summary;
    assert.deepEqual([dataAdded, dataBlobs, treeBlobs, filesUnmodified, dirsUnmodified], [0, 0, 0, 4, 4]);
    assert.equal(second.snapshot?.parent, first.snapshot?.id);
  });

  test('counts what is new, changed and unmodified', async () => {
    const repository = await testRepository();
    const { snapshot: parent } = await repository.write(memoryEntries(tree));
    const { summary } = await repository.write(
      memoryEntries({
        'a/one': 'other',
        'a/two': { unchanged: true },
        'c/five': 'new',
        four: { unchanged: true },
      }),
      { parent: parent! },
    );
    const { filesNew, filesChanged, filesUnmodified, dirsNew, dirsChanged, dirsUnmodified } = summary;
    assert.deepEqual([filesNew, filesChanged, filesUnmodified], [1, 1, 2]);
    assert.deepEqual([dirsNew, dirsChanged, dirsUnmodified], [1, 3, 0]);
    assert.equal(summary.totalFilesProcessed, 4);
    assert.equal(summary.totalBytesProcessed, 5 + 3 + 3);
  });

  test('carries over what is unchanged without reading it, with the metadata of now', async () => {
    const repository = await testRepository();
    const { snapshot: parent } = await repository.write(memoryEntries(tree));
    const content = (): Content => assert.fail('it was read');
    const report = await repository.write(
      memoryEntries({
        'a/one': { unchanged: true, meta: { mode: 0o444 }, content },
        'a/two': { unchanged: true },
      }),
      { parent: parent! },
    );
    const files = await filesOf(repository, report);
    assert.equal(digest(files.get('a/one')!), digest(tree['a/one']));
    assert.equal(String(files.get('a/two')), 'two');
    const one = (await listed(repository, report)).find(({ path }) => path === 'a/one');
    assert.deepEqual([one?.meta.mode, one?.meta.size], [0o444, 900_000]);
    assert.equal(report.summary.dataBlobs, 0);
  });

  test('reads what is said to be unchanged and is not there any more, and names what cannot be read', async () => {
    const repository = await testRepository();
    const { snapshot: parent } = await repository.write(memoryEntries({ kept: 'kept' }));
    const report = await repository.write(
      memoryEntries({
        kept: { unchanged: true },
        readable: { unchanged: true, content: () => [Buffer.from('read')] },
        lost: { unchanged: true },
      }),
      { parent: parent! },
    );
    assert.deepEqual(
      [...(await filesOf(repository, report))].map(([path, bytes]) => `${path}: ${bytes}`),
      ['kept: kept', 'readable: read'],
    );
    assert.deepEqual(
      report.failures.map(({ path, error }) => [path, (error as { code?: string }).code]),
      [['lost', 'ITEM_UNREADABLE']],
    );
    assert.ok(report.snapshot?.tags.includes('partial'));
  });

  test('of a table whose rows change stores little, and its cuts stay the same whatever size is guessed', async () => {
    const averages = [
      [undefined, 8],
      [1e6, 8],
      [20 * 1024 ** 3, 32],
      [120 * 1024 ** 3, 128],
      [1e13, 256],
    ] as const;
    for (const [claimedBytes, kibibytes] of averages) {
      const repository = await testRepository();
      const rows = sqlData(40 * kibibytes * 1024, 7);
      const table = (content: Uint8Array): AsyncIterable<Entry> =>
        toAsync([
          {
            path: 'table',
            type: 'file',
            meta: claimedBytes === undefined ? {} : { size: claimedBytes },
            chunking: 'table',
            content: () => [content],
          },
        ]);
      let parent = (await repository.write(table(rows))).snapshot!;
      for (let round = 0; round < 2; round += 1) {
        const same = await repository.write(table(rows), { parent });
        assert.equal(same.summary.dataAdded, 0, `claimed ${claimedBytes}`);
        parent = same.snapshot!;
      }
      rows.write('Z', rows.length / 2);
      const changed = await repository.write(table(rows), { parent });
      // One blob, or two where the change is near a cut, of at most four times the average each.
      assert.ok(changed.summary.dataAdded <= 9 * kibibytes * 1024, `${changed.summary.dataAdded}`);
      assert.ok(changed.summary.dataAdded > 0);
    }
  });
});

test('a table with many rows that are all the same keeps its cuts as well', async () => {
  const repository = await testRepository();
  const same = Buffer.alloc(6_000_000, 'the same row in every line, which is a few dozen bytes long\n');
  const rows = Buffer.concat([sqlData(1_000_000, 8), same, sqlData(1_000_000, 9)]);
  const table = () => toAsync<Entry>([{ ...fileEntry('table', rows), chunking: 'table' }]);
  let parent = (await repository.write(table())).snapshot!;
  for (let round = 0; round < 3; round += 1) {
    const { snapshot, summary } = await repository.write(table(), { parent });
    assert.equal(summary.dataAdded, 0, `round ${round}`);
    parent = snapshot!;
  }
});

test('progress grows and ends with all of it, and every named entry is reported once', async () => {
  const repository = await testRepository();
  const bytes: number[] = [];
  const outcomes: string[] = [];
  const report = await repository.write(
    memoryEntries({
      'a.table': { item: 'public.a', content: () => [Buffer.from('12345')] },
      b: 'not named',
      'c.table': { item: 'public.c', content: () => [] },
    }),
    {
      onProgress: (progress) => bytes.push(progress.bytes),
      onItem: ({ path, item, bytes: size, error }) => outcomes.push(`${path} ${item} ${size} ${error}`),
    },
  );
  assert.deepEqual(
    bytes,
    bytes.toSorted((a, b) => a - b),
  );
  assert.equal(bytes.at(-1), report.summary.totalBytesProcessed);
  assert.deepEqual(outcomes, ['a.table public.a 5 undefined', 'c.table public.c 0 undefined']);
});

test('sources written one after the other into one open repository share their blobs', async () => {
  const { open, check } = await testRepository();
  await using repository = await open();
  const content = randomData(3_000_000, 9);
  const first = await repository.write(memoryEntries({ x: content }), writeOptions({ root: 'one' }));
  const second = await repository.write(memoryEntries({ y: content }), writeOptions({ root: 'two' }));
  assert.ok(first.summary.dataAdded > 3_000_000);
  assert.equal(second.summary.dataBlobs, 0);
  assert.deepEqual((await repository.snapshots()).map(({ paths }) => paths.join()).toSorted(), [
    '/one',
    '/two',
  ]);
  assert.deepEqual((await check()).problems, []);
});

test('two writes at once into one open repository do not rely on what the other has not stored yet', async () => {
  const { open, check } = await testRepository();
  await using repository = await open();
  const contents = Array.from({ length: 4 }, (_, index) => randomData(2_000_000, index));
  const tree = Object.fromEntries(contents.map((content, index) => [`${index}`, content]));
  const failing = memoryEntries({ ...tree, last: () => assert.fail('the source is gone') });
  const results = await Promise.allSettled([
    repository.write(failing, writeOptions({ root: 'fails' })),
    repository.write(memoryEntries(tree), writeOptions({ root: 'one' })),
    repository.write(memoryEntries(tree), writeOptions({ root: 'two' })),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual((await check()).problems, []);
});

async function* toAsync<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Depth first, in the order of bytes. */
const byNames = (a: string, b: string): number =>
  Buffer.compare(encodeName(a.replaceAll('/', '\0')), encodeName(b.replaceAll('/', '\0')));
