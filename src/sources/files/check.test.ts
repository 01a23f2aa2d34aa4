import assert from 'node:assert/strict';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { type Log, silentLog } from '#lib/log.ts';
import { capture } from '../testing.ts';
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

test('the data folder of a database server is pointed out, as what is asked for and below it', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'pg/15/PG_VERSION': '', 'pg/15/postmaster.pid': '', 'dump/PG_VERSION': '' });
  makeTree(folder.path, {
    'maria/ibdata1': '',
    'maria/mysql/': '',
    'mongo/WiredTiger': '',
    'mongo/mongod.lock': '',
  });
  const found = async (options: object): Promise<string[]> => {
    const paths: string[] = [];
    const warn = (about: { readonly path: string }): void => void paths.push(about.path);
    const log = { ...silentLog, warn } as Log;
    await capture(filesSource({ path: folder.path, ...options }, { log }));
    return paths.map((path) => relative(folder.path, path));
  };
  assert.deepEqual(await found({}), ['maria', 'mongo', 'pg/15']);
  assert.deepEqual(await found({ exclude: ['maria/*', 'mongo', 'pg'] }), []);
  const findings = await filesSource({ path: join(folder.path, 'mongo'), xattrs: 'off' }).check();
  assert.match(findings[0]?.message ?? '', /^holds the data of MongoDB/);
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
