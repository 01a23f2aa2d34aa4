// What a stranger's snapshot, or a stranger in the target, must not make us write.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import type { Entry, EntryMeta, EntryType, RestoreReport } from '../source.ts';
import { intoEmpty } from '../testing.ts';
import { metadataWriter } from './restore-metadata.ts';
import { unsafeComponent } from './safe-path.ts';
import { TargetTree } from './target-tree.ts';
import { filesSource, makeTree, openFileCount, temporaryFolder } from './testing.ts';

/** A folder with `target` to restore into, and `outside`, which nothing may touch. */
const place = () => {
  const folder = temporaryFolder();
  makeTree(folder.path, { 'outside/secret': 'untouched', 'target/': '' });
  return {
    target: join(folder.path, 'target'),
    outside: join(folder.path, 'outside'),
    assertUntouched: () => {
      assert.deepEqual(readdirSync(folder.path).sort(), ['outside', 'target']);
      assert.deepEqual(readdirSync(join(folder.path, 'outside')), ['secret']);
      assert.equal(readFileSync(join(folder.path, 'outside/secret'), 'utf8'), 'untouched');
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
};

const entry = (path: string, type: EntryType = 'file', meta: EntryMeta = {}): Entry =>
  type === 'file' ? { path, type, meta, content: () => [Buffer.from('pwned')] } : { path, type, meta };

const restore = async (path: string, entries: readonly Entry[], force = false): Promise<RestoreReport> =>
  filesSource({ path }).restore(
    (async function* () {
      yield* entries;
    })(),
    { ...intoEmpty, force },
  );

const unsafePaths = ({ failures }: RestoreReport): string[] =>
  failures.filter(({ error }) => hasCode(error, 'PATH_UNSAFE')).map(({ path }) => path);

test('paths that lead out of the target, or nowhere, are reported and not written', async () => {
  using at = place();
  const paths = [
    '../outside/x',
    '..',
    '.',
    'a/../../outside/x',
    '/etc/holdfast',
    '//x',
    'a//b',
    'a/',
    './a',
    'a/./b',
    'nul\0',
    'a\0/b',
    '',
  ];
  for (const type of ['file', 'dir', 'symlink', 'fifo'] as const) {
    const hostile = paths.filter((path) => path !== '' || type !== 'dir');
    const report = await restore(
      at.target,
      hostile.map((path) => entry(path, type, { linkTarget: 'x' })),
      true,
    );
    assert.deepEqual(unsafePaths(report), hostile, type);
  }
  at.assertUntouched();
  assert.equal(existsSync('/etc/holdfast'), false);
});

test('nothing is written through a symlink of the same snapshot', async () => {
  using at = place();
  for (const force of [false, true]) {
    const report = await restore(
      at.target,
      [
        entry(`link${force}`, 'symlink', { linkTarget: at.outside }),
        entry(`link${force}/x`),
        entry(`link${force}/deep/x`),
        entry(`link${force}/secret`, 'symlink', { linkTarget: 'y' }),
        entry(`link${force}/folder`, 'dir'),
      ],
      force || readdirSync(at.target).length > 0,
    );
    assert.equal(unsafePaths(report).length, 4);
    at.assertUntouched();
  }
});

test('a file, folder or link that comes twice under a symlink of its name stays inside', async () => {
  using at = place();
  await restore(
    at.target,
    [
      entry('x', 'symlink', { linkTarget: join(at.outside, 'secret') }),
      entry('x'),
      entry('d', 'symlink', { linkTarget: at.outside }),
      entry('d', 'dir'),
      entry('d/secret'),
    ],
    true,
  );
  at.assertUntouched();
});

test('a hard link is made to what was restored, not to what a symlink points at', async () => {
  using at = place();
  const meta = { links: 2, inode: 1n, deviceId: 1n, size: 5, mtime: 1n };
  const report = await restore(
    at.target,
    [
      entry('a', 'dir'),
      entry('a/secret', 'file', meta),
      entry('b', 'dir'),
      entry('a', 'symlink', { linkTarget: at.outside }),
      entry('c', 'file', meta),
    ],
    true,
  );
  assert.deepEqual(
    report.failures.map(({ path }) => path),
    ['a'],
    'a folder with something in it does not give way',
  );
  assert.equal(readFileSync(join(at.target, 'c'), 'utf8'), 'pwned');
  at.assertUntouched();
});

test('symlinks that were in the target are not followed under force', async () => {
  using at = place();
  symlinkSync(at.outside, join(at.target, 'implied'));
  symlinkSync(join(at.outside, 'secret'), join(at.target, 'file'));
  symlinkSync('../outside/new', join(at.target, 'dangling'));
  const report = await restore(at.target, [entry('implied/x'), entry('file'), entry('dangling')], true);
  assert.deepEqual(unsafePaths(report), ['implied/x']);
  assert.equal(readFileSync(join(at.target, 'file'), 'utf8'), 'pwned');
  at.assertUntouched();
});

test('a folder that becomes a symlink while we write into it takes nothing outside', async (t) => {
  if (process.platform !== 'linux') return t.skip('folders are held open on Linux only');
  using at = place();
  const entries = async function* (): AsyncGenerator<Entry> {
    yield entry('a', 'dir', { mode: 0o750 });
    yield entry('a/1');
    renameSync(join(at.target, 'a'), join(at.target, 'moved'));
    symlinkSync(at.outside, join(at.target, 'a'));
    yield entry('a/2');
    yield entry('a/b/3');
    yield entry('c');
  };
  const report = await filesSource({ path: at.target }).restore(entries(), intoEmpty);
  assert.deepEqual(report.failures, []);
  assert.deepEqual(readdirSync(join(at.target, 'moved')).sort(), ['1', '2', 'b']);
  at.assertUntouched();
  assert.equal(openFileCount(), 0);
});

test('where folders cannot be held open, each is looked at before it is entered', () => {
  using at = place();
  makeTree(at.target, { real: '' });
  symlinkSync(at.outside, join(at.target, 'link'));
  mkdirSync(join(at.target, 'a'));
  const left: string[] = [];
  const tree = new TargetTree(at.target, (folder) => left.push(folder.path), false);
  assert.throws(
    () => tree.placeOf('link/x'),
    (error) => hasCode(error, 'PATH_UNSAFE'),
  );
  assert.throws(
    () => tree.placeOf('real/x'),
    (error) => hasCode(error, 'TARGET_FAILED'),
  );
  assert.equal(tree.placeOf('a/b/x').folder.prefix, `${at.target}/a/b/`);
  assert.equal(
    tree.withEarlier('a/b/x', ({ folder }) => folder.path),
    'a/b',
  );
  assert.throws(
    () => tree.withEarlier('link/x', () => 0),
    (error) => hasCode(error, 'PATH_UNSAFE'),
  );
  tree.leaveAll();
  assert.deepEqual(left, ['a/b', 'a', '']);
});

test('names with a meaning on Windows are unsafe there', () => {
  for (const name of ['a\\b', 'C:', 'a:stream', 'end.', 'end ', 'nul', 'Con.txt', 'COM1', 'lpt² .log']) {
    assert.ok(unsafeComponent(name, 'win32'));
    assert.equal(unsafeComponent(name, 'linux'), undefined);
  }
  for (const name of ['null', 'a.con', 'com', 'com10', '.x'])
    assert.equal(unsafeComponent(name, 'win32'), undefined);
});

test('a folder nobody can make is reported with everything in it', async () => {
  using at = place();
  const long = 'x'.repeat(256);
  const report = await restore(at.target, [entry(long, 'dir'), entry(`${long}/a`), entry('fine')]);
  assert.deepEqual(
    report.failures.map(({ path }) => path),
    [long, `${long}/a`],
  );
  assert.deepEqual([report.entries, readdirSync(at.target)], [1, ['fine']]);
  assert.match(report.failures[0]?.error.message ?? '', /x: ENAMETOOLONG: name too long$/);
});

test('a fifo whose place a symlink took gives its owner and mode to nothing outside', () => {
  using at = place();
  const secret = join(at.outside, 'secret');
  const before = statSync(secret);
  symlinkSync(secret, join(at.target, 'fifo'));
  try {
    const writer = metadataWriter({ calls: undefined, xattrs: false });
    writer.ofPath(join(at.target, 'fifo'), 'fifo', { mode: 0o777, uid: 1234, gid: 1234 });
  } catch {} // newer kernels refuse the mode of a symlink
  const after = statSync(secret);
  assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
});
