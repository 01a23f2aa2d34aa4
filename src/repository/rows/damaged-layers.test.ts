// Layers as damage, another program's repair, or somebody who has the password leaves them: no file of other rows comes of them.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { suite, test } from 'node:test';
import { type HoldfastError, hasCode } from '#lib/errors.ts';
import type { Entry, EntryMeta } from '#sources/source.ts';
import type { Store } from '#stores/store.ts';
import type { Repository, Snapshot } from '../contract.ts';
import { Sealer } from '../sealing/seal.ts';
import { saveSnapshot } from '../snapshot.ts';
import {
  fileEntry,
  openTestRepository,
  putBlob,
  putTrees,
  readFiles,
  type TestRepository,
  testRepository,
  writeOptions,
} from '../testing.ts';
import { layeredInode, type TreeNode } from '../trees/tree.ts';

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `${String(from + at).padEnd(99)}\n`).join('');
const first = lines(0, 20_000);
const path = 'data/a/0000.copy';

/** Which lines go, and what comes, as a whole history has it. */
const whole: Readonly<Record<string, string>> = {
  '0000.rows': first,
  '0001.gone': '1\n3\n',
  '0001.rows': lines(20_000, 20_010),
  '0002.gone': '20001\n',
  '0002.rows': lines(20_010, 20_011),
};
const content = lines(0, 20_011)
  .split('\n')
  .filter((_, at) => ![1, 3, 20_001].includes(at + 1))
  .join('\n');

const sumOf = (files: Readonly<Record<string, string | undefined>>): bigint =>
  BigInt(Object.values(files).join('').length);

interface Crafted {
  readonly repository: TestRepository;
  readonly snapshot: Snapshot;
}

const fileNode = async (repository: TestRepository, name: string, text: string): Promise<TreeNode> => {
  if (text === '') return { name, type: 'file', meta: {}, content: [] };
  await putBlob(repository, name, Buffer.from(text));
  return { name, type: 'file', meta: { size: text.length }, content: [hash('sha256', text)] };
};

/** A snapshot with such a file between two others. */
const craft = async (
  nodes: (repository: TestRepository) => Promise<readonly TreeNode[]>,
  meta: EntryMeta = { size: content.length },
): Promise<Crafted> => {
  const repository = await testRepository();
  const layers = await nodes(repository);
  const others = await Promise.all(['0000', '0001'].map((name) => fileNode(repository, name, name)));
  const tree = await putTrees(repository, (put) => {
    const table: TreeNode = {
      name: '0000.copy',
      type: 'dir',
      meta: { inode: layeredInode, deviceId: sumOf(whole), ...meta },
      subtree: put(layers),
    };
    const folder = put([others[0] as TreeNode, table, others[1] as TreeNode]);
    const data = put([{ name: 'a', type: 'dir', meta: {}, subtree: folder }]);
    const root = put([{ name: 'data', type: 'dir', meta: {}, subtree: data }]);
    return put([{ name: 'test', type: 'dir', meta: {}, subtree: root }]);
  });
  const snapshot = await saveSnapshot(repository.store, new Sealer(repository.key), {
    time: new Date('2026-11-21T03:00:00Z'),
    tree,
    paths: ['/test'],
    hostname: 'here',
    username: 'root',
    tags: [],
  });
  return { repository, snapshot };
};

const craftFiles = (files: Readonly<Record<string, string | undefined>>, meta?: EntryMeta) =>
  craft(async (repository) => {
    const nodes: TreeNode[] = [];
    for (const [name, text] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
      if (text !== undefined) nodes.push(await fileNode(repository, name, text));
    return nodes;
  }, meta);

/** What a restore gets of the snapshot: files by their paths, and what it was told. */
const readAll = async (
  repository: Repository,
  snapshot: Snapshot,
): Promise<{ readonly files: Map<string, string>; readonly errors: Map<string, HoldfastError> }> => {
  const files = new Map<string, string>();
  const errors = new Map<string, HoldfastError>();
  const onDamaged = (at: string, error: HoldfastError) => void errors.set(at, error);
  for await (const entry of repository.read(snapshot, { root: 'test', onDamaged }))
    try {
      const parts: Buffer[] = [];
      for await (const part of entry.content?.() ?? []) parts.push(Buffer.from(part));
      if (entry.type === 'file') files.set(entry.path, Buffer.concat(parts).toString());
    } catch (error) {
      if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      errors.set(entry.path, error);
    }
  return { files, errors };
};

async function* oneTable(text: string): AsyncGenerator<Entry> {
  yield { ...fileEntry(path, Buffer.from(text)), chunking: 'lines' };
}

test('layers that are whole are read, and are built upon', async () => {
  const { repository, snapshot } = await craftFiles(whole);
  await using open = await repository.open();
  const { files, errors } = await readAll(open, snapshot);
  assert.equal(errors.size, 0);
  assert.ok(files.get(path) === content);
  const { summary } = await open.write(oneTable(content), writeOptions({ parent: snapshot }));
  assert.equal(summary.dataBlobs, 0);
});

test('a table in 200 layers is stored whole, and one in fewer is not', async () => {
  for (const count of [199, 200]) {
    const files: Record<string, string> = { '0000.rows': first };
    for (let at = 1; at < count; at += 1) {
      files[`${String(at).padStart(4, '0')}.gone`] = '';
      files[`${String(at).padStart(4, '0')}.rows`] = `${at}\n`;
    }
    const text = Object.values(files).join('');
    const { repository, snapshot } = await craftFiles(files, { size: text.length, deviceId: sumOf(files) });
    await using open = await repository.open();
    const { snapshot: next } = await open.write(oneTable(`new\n${text}`), writeOptions({ parent: snapshot }));
    const [entry] = await Array.fromAsync(open.list(next as Snapshot, { path: `test/${path}` }));
    assert.equal(entry?.inLayers !== undefined, count < 200);
    const read = (await readAll(open, next as Snapshot)).files.get(path)?.split('\n').sort();
    assert.ok(read?.join() === `new\n${text}`.split('\n').sort().join());
  }
});

test('layers that lie in many packs are fetched together', async () => {
  const files: Record<string, string> = { '0000.rows': first };
  for (let at = 1; at < 30; at += 1) {
    files[`${String(at).padStart(4, '0')}.gone`] = `${at}\n`;
    files[`${String(at).padStart(4, '0')}.rows`] = `new ${at}\n`;
  }
  const { repository, snapshot } = await craftFiles(files, { size: 1, deviceId: sumOf(files) });
  let [waiting, most] = [0, 0];
  const get: Store['get'] = async (name, range) => {
    waiting += 1;
    most = Math.max(most, waiting);
    await new Promise(setImmediate);
    waiting -= 1;
    return repository.store.get(name, range);
  };
  await using open = await openTestRepository(
    { ...repository.store, connections: 8, get },
    repository.key,
  ).open();
  await Array.fromAsync(open.list(snapshot)); // the index is read
  most = 0;
  await readAll(open, snapshot);
  assert.equal(most, 8);
});

const wrong: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  'the first layer is gone': { '0000.rows': undefined },
  'rows of a layer are gone': { '0001.rows': undefined },
  'the lines of a layer are gone': { '0001.gone': undefined },
  'the last layer is gone': { '0002.gone': undefined, '0002.rows': undefined },
  'a layer between is gone': { '0001.gone': undefined, '0001.rows': undefined },
  'another file is there': { '0003.rows': '' },
  'a file with a path is there': { '../0003.rows': 'x\n' },
  'all are gone': Object.fromEntries(Object.keys(whole).map((name) => [name, undefined])),
  'rows were cut': { '0001.rows': whole['0001.rows']?.slice(0, -100) },
  'lines were cut': { '0001.gone': '1\n' },
  'a line is named twice': { '0001.gone': '1\n3\n3\n' },
  'a line is named in two layers': { '0002.gone': '3\n' },
  'line 0 is named': { '0001.gone': '0\n1\n3\n' },
  'an empty line is named': { '0001.gone': '\n1\n3\n' },
  'a number does not end': { '0002.gone': '20001' },
  'a number is none': { '0001.gone': '1\nx\n' },
  'a number is negative': { '0001.gone': '-1\n3\n' },
  'a line beyond the end is named': { '0001.gone': '1\n3\n30000\n' },
  'a huge line is named': { '0001.gone': '1\n3\n4294967295\n' },
  'a line beyond all numbers is named': { '0001.gone': `1\n3\n${'9'.repeat(400)}\n` },
};

/** The file is damaged, the others are not, and a backup that comes upon it is right. */
const assertDamaged = async ({ repository, snapshot }: Crafted): Promise<void> => {
  await using open = await repository.open();
  const before = process.memoryUsage().arrayBuffers;
  const { files, errors } = await readAll(open, snapshot);
  assert.deepEqual([...errors.keys()], [path]);
  assert.deepEqual([...files.keys()], ['data/a/0000', 'data/a/0001']);
  await assert.rejects(readFiles(open, snapshot), { code: 'REPOSITORY_DAMAGED' });
  const entry = await open.previous(snapshot, 'test').entry(path);
  await assert.rejects(Array.fromAsync(entry?.content() ?? []), { code: 'REPOSITORY_DAMAGED' });
  const { snapshot: next } = await open.write(oneTable(content), writeOptions({ parent: snapshot }));
  const read = (await readAll(open, next as Snapshot)).files.get(path)?.split('\n');
  assert.ok(read?.sort().join('\n') === content.split('\n').sort().join('\n'));
  assert.ok(process.memoryUsage().arrayBuffers - before < 128 * 1024 * 1024);
};

suite('a file in layers is damaged where', () => {
  for (const [what, change] of Object.entries(wrong))
    test(what, async () => assertDamaged(await craftFiles({ ...whole, ...change })));

  for (const size of [1, content.length - 1, content.length + 100, 2 ** 60])
    test(`it was of another size, ${size}`, async () => assertDamaged(await craftFiles(whole, { size })));

  for (const type of ['symlink', 'dir', 'fifo'] as const)
    test(`a layer is a ${type}`, async () =>
      assertDamaged(
        await craft(async (repository) => {
          const nodes: TreeNode[] = [];
          for (const [name, text] of Object.entries(whole))
            nodes.push(await fileNode(repository, name, text));
          const subtree = await putTrees(repository, (put) => put([]));
          const { name } = nodes[4] as TreeNode;
          nodes[4] = { name, type, meta: { linkTarget: '0000.rows' }, ...(type === 'dir' && { subtree }) };
          return nodes;
        }),
      ));

  test('a layer has lost its blob', async () =>
    assertDamaged(
      await craft(async (repository) => {
        const nodes: TreeNode[] = [];
        for (const [name, text] of Object.entries(whole)) nodes.push(await fileNode(repository, name, text));
        nodes[2] = { ...(nodes[2] as TreeNode), content: [hash('sha256', 'lost')] };
        return nodes;
      }),
    ));
});

suite('of a repository in which a table lost a layer', () => {
  const lost = () => craftFiles({ ...whole, '0002.gone': undefined, '0002.rows': undefined });

  test('a check says so', async () => {
    const { problems } = await (await lost()).repository.check();
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /not all layers of 0000\.copy are there/);
    assert.deepEqual((await (await craftFiles(whole)).repository.check()).problems, []);
  });

  test('a repair leaves the table out, and nothing else', async () => {
    const { repository } = await lost();
    await using open = await repository.open();
    const [report, ...others] = await open.repairSnapshots({});
    assert.deepEqual([report?.lost, others], [[`/test/${path}`], []]);
    const { files, errors } = await readAll(open, report?.replacement as Snapshot);
    assert.deepEqual([[...files.keys()], errors.size], [['data/a/0000', 'data/a/0001'], 0]);
    assert.deepEqual(await open.repairSnapshots({}), []);
  });

  test('a repair leaves a whole table as it is', async () => {
    const { repository } = await craftFiles(whole);
    await using open = await repository.open();
    assert.deepEqual(await open.repairSnapshots({}), []);
  });
});

test('a table whose layers cannot be read is told of when room is counted', async () => {
  const { repository, snapshot } = await craftFiles(whole);
  const damaged = await putTrees(repository, (put) => {
    const meta = { size: 5, inode: layeredInode, deviceId: 5n };
    return put([{ name: 'table', type: 'dir', meta, subtree: hash('sha256', 'lost') }]);
  });
  await using open = await repository.open();
  const told: string[] = [];
  const onDamaged = ({ tree }: Snapshot) => void told.push(tree);
  const { files, bytes } = await open.usage([snapshot, { ...snapshot, tree: damaged }], { onDamaged });
  assert.deepEqual([files, bytes, told], [4, content.length + 8 + 5, [damaged]]);
});

test('below a table there is nothing', async () => {
  const { repository, snapshot } = await craftFiles(whole);
  await using open = await repository.open();
  const at = `test/${path}`;
  const [entry, ...others] = await Array.fromAsync(open.list(snapshot, { path: at }));
  assert.deepEqual([entry?.path, entry?.type, others.length], [at, 'file', 0]);
  await assert.rejects(Array.fromAsync(open.list(snapshot, { path: `${at}/0000.rows` })), {
    code: 'PATH_UNKNOWN',
  });
  assert.equal(await open.previous(snapshot, 'test').entry(`${path}/0000.rows`), undefined);
});

test('tables with other rows are known by other blobs', async () => {
  const blobsOf = async (layers: Readonly<Record<string, string>>) => {
    const { repository, snapshot } = await craftFiles(
      { '0000.rows': '1\n2\n5\n', ...layers },
      { size: 4, deviceId: 8n },
    );
    await using open = await repository.open();
    const [entry] = await Array.fromAsync(open.list(snapshot, { path: `test/${path}` }));
    return [...(entry?.blobs ?? [])];
  };
  assert.notDeepEqual(
    await blobsOf({ '0001.gone': '1\n', '0001.rows': '' }),
    await blobsOf({ '0001.gone': '', '0001.rows': '1\n' }),
  );
});
