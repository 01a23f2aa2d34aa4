import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesSource, makeTree, temporaryFolder } from './testing.ts';

test('a path that is missing is an error, an empty folder a warning', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'full/x': '', 'empty/': '' });
  const paths = ['full', 'empty', 'missing'].map((name) => join(folder.path, name));
  const findings = await filesSource({ paths, xattrs: 'off' }).check();
  assert.deepEqual(
    findings.map(({ level, subject }) => [level, subject]),
    [
      ['warning', paths[1]],
      ['error', paths[2]],
    ],
  );
});

test('where extended attributes are out of reach it is said, and an error when they are required', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { x: '' });
  const levels = async (xattrs: string) =>
    (await filesSource({ path: folder.path, xattrs }, { calls: undefined }).check()).map(
      ({ level }) => level,
    );
  assert.deepEqual(await levels('auto'), ['warning']);
  assert.deepEqual(await levels('required'), ['error']);
  assert.deepEqual(await levels('off'), []);
});
