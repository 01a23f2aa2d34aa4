import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { decodeName } from '../path-names.ts';
import { databaseFiles, databasePath, globalsFile, parsePath, rangeFile, tablePath } from './layout.ts';

const awkward = [
  'orders',
  'a/b',
  'a.b',
  '..',
  '.',
  '=2E',
  'a=b',
  'naïve 表',
  'new\nline',
  'back\\slash',
  '"q"',
  '-',
  '🐙',
];

test('every name comes back from its path', () => {
  for (const schema of awkward)
    for (const name of awkward) {
      const path = `${databasePath(schema)}/${tablePath({ schema, name })}/${rangeFile(12_345)}`;
      assert.deepEqual(parsePath(path), {
        kind: 'table',
        database: schema,
        table: { schema, name },
        range: 12_345,
      });
    }
});

test('a database sorts after the files of the server, and has the name of none', () => {
  for (const name of [...awkward, globalsFile, '00-server.json', '00', '0', '!', ' ', '%25', '1']) {
    const path = databasePath(name);
    assert.ok(Buffer.compare(Buffer.from(path), Buffer.from(globalsFile)) > 0, path);
    assert.equal(decodeName(path), name);
  }
});

test('the files of a database sort in the order in which they are loaded', () => {
  const { database, preData, contents, load, manifest, postData } = databaseFiles;
  const order = [database, preData, contents, 'data', 'large-objects', load, manifest, postData];
  assert.deepEqual(order.toSorted(), order);
});

test('a path that is not of a backup is refused, one that could leave its place as unsafe', () => {
  for (const path of [
    'shop/other.sql',
    'notes.txt',
    'shop/data/x/0000.copy',
    'shop/data/a.b.c/0000.copy',
    'a/b/c/d/e',
  ])
    assert.throws(
      () => parsePath(path),
      (error) => hasCode(error, 'TARGET_FAILED'),
      path,
    );
  for (const path of ['', '/x', '../x', 'a/../x', 'a//b', './a', 'a/.', 'a\0b'])
    assert.throws(
      () => parsePath(path),
      (error) => hasCode(error, 'PATH_UNSAFE'),
      path,
    );
});
