import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import type { Finding } from '../source.ts';
import { execute, openSqlite } from './testing.ts';

const folder = temporaryFolder('sqlite-check');

const check = async (path: string, config = {}): Promise<Finding[]> => {
  await using source = await openSqlite(path, config);
  return await source.check();
};

const database = (name: string, sql: string): string => {
  const path = join(folder, name);
  execute(path, `PRAGMA journal_mode=WAL; ${sql}`);
  return path;
};

test('nothing is found in a healthy database in WAL mode', async () => {
  assert.deepEqual(await check(database('healthy.db', 'CREATE TABLE t(a)')), []);
});

test('a journal mode in which writers wait is a warning', async () => {
  const path = database('delete.db', 'CREATE TABLE t(a); PRAGMA journal_mode=DELETE');
  const [finding, ...more] = await check(path);
  assert.deepEqual([finding?.level, more], ['warning', []]);
  assert.match(finding!.message, /writers wait while a backup reads/);
});

test('a pattern that fits nothing is an error, a database without tables a warning', async () => {
  const path = database('patterns.db', 'CREATE TABLE t(a)');
  assert.deepEqual(
    (await check(path, { tables: ['lost'] })).map(({ level, subject }) => [level, subject]),
    [
      ['error', 'tables: lost'],
      ['warning', 'tables'],
    ],
  );
});

test('damage is an error, unless nobody wants it looked for', async () => {
  const path = database('damaged.db', 'CREATE TABLE t(a); INSERT INTO t VALUES(1); PRAGMA user_version=1');
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(100, 0xee), 0, 100, 4096);
  closeSync(file);
  const [finding] = await check(path);
  assert.deepEqual([finding?.level, finding?.subject], ['error', `${path}: table t`]);
  assert.match(finding!.message, /damaged/);
  assert.deepEqual(await check(path, { quickCheck: false }), []);
});

test('rows that break the schema’s rules are a warning', async () => {
  const path = database(
    'rules.db',
    "CREATE TABLE t(a NOT NULL); PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a)'",
  );
  execute(path, 'INSERT INTO t VALUES(NULL)');
  execute(path, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a NOT NULL)'");
  const [finding] = await check(path);
  assert.deepEqual([finding?.level, finding?.message], ['warning', 'NULL value in t.a']);
});

test('a table in the order of a collation that is not there is an error', async () => {
  const path = database(
    'collation.db',
    `CREATE TABLE t(a PRIMARY KEY) WITHOUT ROWID; CREATE TABLE good(a); PRAGMA writable_schema=ON;
    UPDATE sqlite_schema SET sql = replace(sql, 'a P', 'a COLLATE own P')`,
  );
  const findings = await check(path, { quickCheck: false });
  assert.deepEqual(
    findings.map(({ level, subject }) => [level, subject]),
    [['error', `${path}: table t`]],
  );
});
