import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { capture, contentOf, previousOf } from '../testing.ts';
import { asNobody, filesSource, makeTree, temporaryFolder } from './testing.ts';

/** Without reading any content. */
const pathsOf = async (options: Readonly<Record<string, unknown>>): Promise<string[]> =>
  (await Array.fromAsync(filesSource(options).dump())).map(({ path }) => path);

test('a folder lies in the root of its own dump, whose empty path is the folder itself', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { b: 'b', 'a/x': 'x' });
  chmodSync(folder.path, 0o751);
  const entries = await capture(filesSource({ path: folder.path }));
  assert.deepEqual(
    entries.map(({ path, type }) => `${type} ${path}`),
    ['dir ', 'dir a', 'file a/x', 'file b'],
  );
  assert.equal(entries[0]?.meta.mode, 0o751);
});

test('a single file is the single entry', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { a: 'one', b: 'two' });
  const [entry, ...others] = await capture(filesSource({ path: join(folder.path, 'a') }));
  assert.deepEqual([entry?.path, entry?.type, others.length], ['a', 'file', 0]);
});

test('several paths lie under their absolute paths, with the real metadata of the folders on the way', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'x/in': '', 'x/out': '', 'y/deep/z': '', other: '' });
  chmodSync(join(folder.path, 'y'), 0o710);
  const entries = await capture(
    filesSource({ paths: ['y/deep', 'x/in'].map((path) => join(folder.path, path)) }),
  );
  const base = folder.path.slice(1);
  assert.deepEqual(
    entries.map(({ path }) => path),
    [
      ...parentsOf(base),
      base,
      `${base}/x`,
      `${base}/x/in`,
      `${base}/y`,
      `${base}/y/deep`,
      `${base}/y/deep/z`,
    ],
  );
  assert.equal(entries.find(({ path }) => path === `${base}/y`)?.meta.mode, 0o710);
});

const parentsOf = (path: string): string[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, at, parts) => parts.slice(0, at + 1).join('/'));

test('names come in the order of their bytes, folder by folder', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, {
    'a/z': '',
    'a-': '',
    'a.': '',
    B: '',
    '\uffee': '',
    '\u{1f600}': '',
    é: '',
    z: '',
  });
  assert.deepEqual(await pathsOf({ path: folder.path }), [
    '',
    'B',
    'a',
    'a/z',
    'a-',
    'a.',
    'z',
    'é',
    '\uffee',
    '\u{1f600}',
  ]);
});

test('a symlink is kept, not followed; what was asked for is reached through one', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'real/x': '', 'real/out': '->/etc', link: '->real' });
  const entries = await capture(filesSource({ path: join(folder.path, 'link') }));
  assert.deepEqual(
    entries.map(({ path, type, meta }) => [path, type, meta.linkTarget]),
    [
      ['', 'dir', undefined],
      ['out', 'symlink', '/etc'],
      ['x', 'file', undefined],
    ],
  );
});

test('users and groups are named, and the time of access is kept only when asked for', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { x: '' });
  utimesSync(join(folder.path, 'x'), 1000, 2000);
  const atimes = async (withAtime: boolean) =>
    (await capture(filesSource({ path: folder.path, withAtime }))).at(-1)?.meta;
  assert.equal((await atimes(true))?.atime, 1_000_000_000_000n);
  assert.equal((await atimes(false))?.atime, 2_000_000_000_000n);
  const { uid } = statSync(folder.path);
  assert.equal(
    (await atimes(false))?.user,
    execFileSync('id', ['-un', String(uid)], { encoding: 'utf8' }).trim(),
  );
});

test('a path that is not there fails the dump; of several, only it is reported', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { x: '' });
  const missing = join(folder.path, 'missing');
  for (const options of [{ path: missing }, { paths: [missing] }])
    await assert.rejects(capture(filesSource(options)), (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
  const entries = await capture(filesSource({ paths: [missing, join(folder.path, 'x')] }));
  const failed = entries.filter((entry) => entry.failed);
  assert.deepEqual(
    failed.map(({ path, failed }) => [path, hasCode(failed, 'ITEM_UNREADABLE')]),
    [[missing.slice(1), true]],
  );
});

test('a folder that may not be listed is reported and not stored; the rest goes on', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root, to become somebody else');
  using folder = temporaryFolder();
  makeTree(folder.path, { 'closed/x': '', 'open/x': '' });
  chmodSync(folder.path, 0o755);
  chmodSync(join(folder.path, 'closed'), 0o700);
  const entries = await asNobody(() => capture(filesSource({ path: folder.path })));
  assert.deepEqual(
    entries.map(({ path, failed }) => [path, failed !== undefined]),
    [
      ['', false],
      ['closed', true],
      ['open', false],
      ['open/x', false],
    ],
  );
  await assert.rejects(
    asNobody(() => capture(filesSource({ path: join(folder.path, 'closed') }))),
    (error) => hasCode(error, 'SOURCE_DENIED'),
  );
});

test('a file that may not be read loses only its content', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root, to become somebody else');
  using folder = temporaryFolder();
  makeTree(folder.path, { secret: '' });
  chmodSync(folder.path, 0o755);
  chmodSync(join(folder.path, 'secret'), 0o600);
  await asNobody(async () => {
    const entry = (await Array.fromAsync(filesSource({ path: folder.path }).dump())).at(-1);
    assert.ok(entry);
    await assert.rejects(contentOf(entry), (error) => hasCode(error, 'ITEM_UNREADABLE'));
  });
});

test('a file that went away before it was listed is no error, one that goes afterwards is', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { '1': '', '2': '', '3': '' });
  const dump = filesSource({ path: folder.path }).dump()[Symbol.asyncIterator]();
  await dump.next();
  const first = await dump.next();
  rmSync(join(folder.path, '1'));
  rmSync(join(folder.path, '2'));
  assert.equal((await dump.next()).value?.path, '3');
  await assert.rejects(contentOf(first.value), (error) => hasCode(error, 'ITEM_UNREADABLE'));
});

test('a file that cannot be looked at any more when its turn comes loses only its content', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root, to become somebody else');
  using folder = temporaryFolder();
  makeTree(folder.path, { 'closed/x': '', z: '' });
  chmodSync(folder.path, 0o755);
  const closed = join(folder.path, 'closed');
  chownSync(closed, 65534, 65534);
  await asNobody(async () => {
    const found: [path: string, isThere: boolean][] = [];
    for await (const entry of filesSource({ path: folder.path }).dump(previousOf([]))) {
      chmodSync(closed, 0); // after the walk has seen what is in it
      if (entry.type === 'file')
        found.push([
          entry.path,
          await contentOf(entry).then(
            () => true,
            () => false,
          ),
        ]);
    }
    assert.deepEqual(found, [
      ['closed/x', false],
      ['z', true],
    ]);
  });
});

test('a file is unchanged only while size, times and inode are those of the snapshot', async () => {
  using folder = temporaryFolder();
  const names = ['content', 'mode', 'same', 'size', 'swapped', 'time'];
  makeTree(folder.path, Object.fromEntries(names.map((name) => [name, 'text'])));
  const place = (name: string): string => join(folder.path, name);
  const previous = previousOf(await capture(filesSource({ path: folder.path })));
  writeFileSync(place('content'), 'next');
  writeFileSync(place('size'), 'longer');
  utimesSync(place('time'), 1, 1);
  chmodSync(place('mode'), 0o600);
  writeFileSync(place('new'), 'text');
  const { atime, mtime } = statSync(place('swapped'));
  utimesSync(place('new'), atime, mtime);
  renameSync(place('new'), place('swapped'));
  const unchanged = async (options: object): Promise<string[]> =>
    (await capture(filesSource({ path: folder.path, ...options }), previous))
      .filter((entry) => entry.unchanged)
      .map(({ path }) => path);
  assert.deepEqual(await unchanged({}), ['same']);
  assert.deepEqual(await unchanged({ ignoreCtime: true }), ['mode', 'same']);
});

test('a file whose times may stand for two changes around its last snapshot is read again', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { future: 'text', just: 'text', 'long ago': 'text' });
  const now = Date.now() / 1000;
  for (const [name, time] of Object.entries({ future: now + 3600, just: now - 50, 'long ago': now - 70 }))
    utimesSync(join(folder.path, name), time, time);
  const entries = await capture(filesSource({ path: folder.path }));
  const previous = previousOf(entries, new Date());
  const unchanged = async (options: object): Promise<string[]> =>
    (await capture(filesSource({ path: folder.path, ...options }), previous))
      .filter((entry) => entry.unchanged)
      .map(({ path }) => path);
  assert.deepEqual(await unchanged({}), []); // the status of all has just changed
  assert.deepEqual(await unchanged({ ignoreCtime: true }), ['future', 'long ago']);
});

test('sockets are left out', async () => {
  using folder = temporaryFolder();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder.path, 'socket'), resolve));
  try {
    assert.deepEqual(await pathsOf({ path: folder.path }), ['']);
  } finally {
    server.close();
  }
});

test('on one file system, the folder another is mounted on is kept, and nothing below it', async () => {
  const below = await pathsOf({
    path: '/proc/self',
    exclude: ['task', 'net', 'fd', 'map_files'],
    oneFileSystem: true,
  });
  assert.ok(below.length > 10, 'the file system of what was asked for is the one to stay on');
  const around = await pathsOf({
    path: '/',
    exclude: ['/*', '!/proc', '!/etc', '/etc/*', '!/etc/passwd'],
    oneFileSystem: true,
  });
  assert.deepEqual(around, ['', 'etc', 'etc/passwd', 'proc']);
});

test('what was asked for is kept, whatever excludes it, and so is the way to it', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'cache/keep/x': '', 'cache/lose/y': '', z: '' });
  const paths = [folder.path, join(folder.path, 'cache/keep')];
  const base = folder.path.slice(1);
  const kept = (await pathsOf({ paths, exclude: ['cache'] })).filter((path) => path.startsWith(`${base}/`));
  assert.deepEqual(kept, [`${base}/cache`, `${base}/cache/keep`, `${base}/z`]);
});

test('a tree deeper than the longest path the system takes is reported where it ends', async () => {
  using folder = temporaryFolder();
  const name = 'd'.repeat(250);
  const home = process.cwd();
  process.chdir(folder.path);
  for (let depth = 0; depth < 20; depth += 1) {
    mkdirSync(name);
    process.chdir(name);
  }
  process.chdir(home);
  const entries = await capture(filesSource({ path: folder.path }));
  assert.ok(entries.at(-1)?.failed);
  assert.equal(entries.filter(({ failed }) => failed).length, 1);
  execFileSync('rm', ['-rf', join(folder.path, name)]);
});

test('a folder that is replaced by a symlink while the walk goes on is not followed', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'a/x': 'inside', 'outside/x': 'outside' });
  const dump = filesSource({ path: folder.path }).dump()[Symbol.asyncIterator]();
  await dump.next();
  rmSync(join(folder.path, 'a'), { recursive: true });
  symlinkSync('outside', join(folder.path, 'a'));
  const { value } = await dump.next();
  assert.equal(value?.type, 'symlink');
});
