import assert from 'node:assert/strict';
import {
  chmodSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asNobody, each, entry, filesSource, force, makeTree, temporaryFolder } from './testing.ts';

test('under force files, symlinks and empty folders give way, and other files stay', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, {
    file: 'old',
    link: '->elsewhere',
    'was-folder/': '',
    'was-file': '',
    other: 'stays',
    'was-link': '->/etc',
  });
  linkSync(join(folder.path, 'other'), join(folder.path, 'shared'));
  const report = await filesSource({ path: folder.path }).restore(
    each(
      entry('file', 'file', {}, 'new'),
      entry('link', 'symlink', { linkTarget: 'there' }),
      entry('shared', 'file', {}, 'alone'),
      entry('was-file', 'dir'),
      entry('was-file/x', 'file'),
      entry('was-folder', 'file'),
      entry('was-link', 'dir'),
      entry('was-link/passwd', 'file'),
    ),
    force,
  );
  assert.deepEqual(report.failures, []);
  const content = (path: string): string => readFileSync(join(folder.path, path), 'utf8');
  assert.deepEqual(
    [content('file'), content('other'), content('shared'), content('was-folder')],
    ['new', 'stays', 'alone', 'was-folder'],
  );
  assert.equal(readlinkSync(join(folder.path, 'link')), 'there');
  assert.equal(lstatSync(join(folder.path, 'was-link')).isDirectory(), true);
  assert.deepEqual(
    readdirSync(folder.path).filter((name) => name.startsWith('.')),
    [],
  );
});

test('a folder with something in it does not give way to a file', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'a/x': 'precious' });
  const report = await filesSource({ path: folder.path }).restore(each(entry('a', 'file')), force);
  assert.deepEqual(
    report.failures.map(({ path }) => path),
    ['a'],
  );
  assert.equal(readFileSync(join(folder.path, 'a/x'), 'utf8'), 'precious');
});

test('under force the old file stays until the new one is whole', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { x: 'the only copy' });
  const content = function* () {
    yield Buffer.from('half');
    throw new Error('the blob is damaged');
  };
  const report = await filesSource({ path: folder.path }).restore(
    each({ path: 'x', type: 'file', meta: {}, content }),
    force,
  );
  assert.equal(report.failures.length, 1);
  assert.deepEqual(
    [readdirSync(folder.path), readFileSync(join(folder.path, 'x'), 'utf8')],
    [['x'], 'the only copy'],
  );
});

test('under force what may not give way stays, and nothing is left beside it', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root, to become somebody else');
  using folder = temporaryFolder();
  makeTree(folder.path, { file: 'the only copy', link: 'the only copy' });
  chmodSync(folder.path, 0o1777); // where everybody may write, and only an owner replace
  const report = await asNobody(() =>
    filesSource({ path: folder.path }).restore(
      each(entry('file', 'file'), entry('link', 'symlink', { linkTarget: 'x' })),
      force,
    ),
  );
  assert.deepEqual(
    report.failures.map(({ path }) => path),
    ['file', 'link'],
  );
  assert.deepEqual(readdirSync(folder.path).sort(), ['file', 'link']);
});

test('a file that is cut short and cannot be removed is told of as such', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root, to become somebody else');
  using folder = temporaryFolder();
  chmodSync(folder.path, 0o777);
  const target = join(folder.path, 'target');
  const content = function* () {
    yield Buffer.from('half');
    chmodSync(target, 0o500);
    throw new Error('the blob is damaged');
  };
  const report = await asNobody(() =>
    filesSource({ path: target }).restore(each({ path: 'x', type: 'file', meta: {}, content }), force),
  );
  assert.match(
    String(report.failures[0]?.error.message),
    /^cannot restore x: the blob is damaged; .* cannot be removed: EACCES/,
  );
});

test('under force what cannot be made leaves what is in its place', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { link: 'the only copy', thing: 'the only copy' });
  const report = await filesSource({ path: folder.path }).restore(
    each(
      entry('link', 'symlink', { linkTarget: 'x'.repeat(5000) }),
      entry('thing', 'irregular'),
      entry('z', 'file'),
    ),
    force,
  );
  assert.deepEqual(
    report.failures.map(({ path }) => path),
    ['link', 'thing'],
  );
  assert.deepEqual(readdirSync(folder.path).sort(), ['link', 'thing', 'z']);
  assert.equal(readFileSync(join(folder.path, 'link'), 'utf8'), 'the only copy');
});

test('only what differs is written when asked so, and its metadata is restored all the same', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { same: '1234', size: '12345', time: '1234' });
  for (const name of ['same', 'size']) utimesSync(join(folder.path, name), 1000, 1000);
  const meta = { mtime: 1_000_000_000_000n, size: 4, mode: 0o640 };
  const report = await filesSource({ path: folder.path, overwrite: 'if-changed' }).restore(
    each(...['same', 'size', 'time'].map((name) => entry(name, 'file', meta, 'abcd'))),
    force,
  );
  const content = (name: string): string => readFileSync(join(folder.path, name), 'utf8');
  assert.deepEqual(['same', 'size', 'time'].map(content), ['1234', 'abcd', 'abcd']);
  assert.equal(report.bytes, 8);
  assert.equal(statSync(join(folder.path, 'same')).mode & 0o777, 0o640);
});
