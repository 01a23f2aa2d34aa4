import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { filesSource, makeTree, temporaryFolder } from './testing.ts';

/** The paths that are left of a tree under these options. */
const kept = async (tree: Record<string, string>, options: object): Promise<string[]> => {
  using folder = temporaryFolder();
  makeTree(folder.path, tree);
  const entries = await Array.fromAsync(filesSource({ path: folder.path, ...options }).dump());
  return entries.map(({ path }) => path).filter((path) => path !== '');
};

test('an excluded folder is left out with everything in it', async () => {
  const tree = { 'cache/a/b': '', 'src/cache': '', 'src/cached': '', 'src/x.tmp': '' };
  assert.deepEqual(await kept(tree, { exclude: ['cache', '*.tmp'] }), ['src', 'src/cached']);
});

test('one pattern needs no list, and patterns that begin with a slash are those of the disk', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'a/x': '', 'b/x': '' });
  const entries = filesSource({ path: folder.path, exclude: `${folder.path}/a` }).dump();
  assert.deepEqual(
    (await Array.fromAsync(entries)).map(({ path }) => path),
    ['', 'b', 'b/x'],
  );
});

test('what is taken back is kept, when its folder is', async () => {
  const tree = { 'log/a.log': '', 'log/keep.log': '', 'deep/keep.log': '' };
  assert.deepEqual(await kept(tree, { exclude: ['*.log', 'deep', '!keep.log'] }), ['log', 'log/keep.log']);
});

test('patterns without regard to case, and patterns in files', async () => {
  using lists = temporaryFolder();
  const list = join(lists.path, 'excludes');
  writeFileSync(list, '# media\n*.mp4\n');
  const tree = { 'A.TMP': '', 'b.tmp': '', 'c.MP4': '', 'd.mp4': '', e: '' };
  assert.deepEqual(await kept(tree, { iexclude: '*.TMP', excludeFile: list }), ['c.MP4', 'e']);
  assert.deepEqual(await kept(tree, { iexcludeFile: [list] }), ['A.TMP', 'b.tmp', 'e']);
});

test('of a folder with a mark only the mark is kept', async () => {
  const tree = { 'a/.nobackup': '', 'a/x': '', 'a/deep/y': '', 'b/x': '' };
  assert.deepEqual(await kept(tree, { excludeIfPresent: '.nobackup' }), ['a', 'a/.nobackup', 'b', 'b/x']);
});

test('a mark may have to begin with a text', async () => {
  const tree = {
    'a/.mark': 'no backup, please',
    'a/x': '',
    'b/.mark': 'no',
    'b/x': '',
    'c/.mark': 'yes backup',
    'c/x': '',
  };
  assert.deepEqual(await kept(tree, { excludeIfPresent: ['.mark:no backup'] }), [
    'a',
    'a/.mark',
    'b',
    'b/.mark',
    'b/x',
    'c',
    'c/.mark',
    'c/x',
  ]);
});

test('a folder is a cache only when its CACHEDIR.TAG has the signature', async () => {
  const signature = 'Signature: 8a477f597d28d172789f06886806bc55';
  const tree = {
    'a/CACHEDIR.TAG': `${signature}\n# by a test`,
    'a/x': '',
    'b/CACHEDIR.TAG': 'a cache, really',
    'b/x': '',
  };
  assert.deepEqual(await kept(tree, { excludeCaches: true }), [
    'a',
    'a/CACHEDIR.TAG',
    'b',
    'b/CACHEDIR.TAG',
    'b/x',
  ]);
  assert.ok((await kept(tree, {})).includes('a/x'));
});

test('files larger than the limit are left out, folders and smaller files stay', async () => {
  const tree = { small: 'x'.repeat(1024), large: 'x'.repeat(1025), 'folder/x': '' };
  assert.deepEqual(await kept(tree, { excludeLargerThan: '1K' }), ['folder', 'folder/x', 'small']);
  assert.deepEqual(await kept(tree, { excludeLargerThan: 0 }), ['folder', 'folder/x']);
});

test('a malformed pattern and a list that cannot be read are mistakes in the configuration', async () => {
  for (const options of [{ exclude: '[' }, { excludeFile: '/nowhere/list' }])
    await assert.rejects(kept({}, options), (error) => hasCode(error, 'CONFIG_INVALID'));
});
