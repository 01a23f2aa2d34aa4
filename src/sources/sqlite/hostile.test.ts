import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { edited } from '../testing.ts';
import { databasesIn, dump, only, query, restore } from './testing.ts';

const folder = temporaryFolder('sqlite-hostile');
const { database, newPath } = databasesIn(folder);

const shop = 'CREATE TABLE orders(id INTEGER PRIMARY KEY, total); INSERT INTO orders VALUES(1, 5)';

suite('a hostile snapshot reaches nothing but the tables it is restored to', () => {
  const elsewhere = join(folder, 'elsewhere.db');
  const statements = {
    attach: `ATTACH '${elsewhere}' AS e`,
    'vacuum into': `VACUUM INTO '${elsewhere}'`,
    extension: "SELECT load_extension('/tmp/evil.so')",
    pragma: `PRAGMA temp_store_directory='${folder}'`,
    'endless query':
      'CREATE TABLE x AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n',
    'virtual table': 'CREATE VIRTUAL TABLE x USING fts5(a)',
  };
  for (const [name, sql] of Object.entries(statements))
    for (const file of ['create.sql', 'finish.sql'])
      test(`${name} in ${file}`, async () => {
        const entries = edited(await dump(database(shop)), file, (text) => `${text}--\n${sql};\n`);
        const path = newPath();
        await restore(path, entries).catch(() => undefined);
        assert.ok(!existsSync(elsewhere));
        if (existsSync(path)) assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
      });

  test('rows that are more than literals', async () => {
    const values = [
      '(SELECT count(*) FROM secrets)',
      '(SELECT 1 FROM pragma_database_list)',
      "load_extension('x')",
      'randomblob(1000)',
      '1),(2',
      "1); DELETE FROM secrets; SELECT ('",
    ];
    for (const value of values) {
      const path = database("CREATE TABLE secrets(a); INSERT INTO secrets VALUES('mine'); CREATE TABLE t(a)");
      const source = database('CREATE TABLE t(a); INSERT INTO t VALUES(1)');
      const entries = edited(only(await dump(source), 't'), 'data/t/0000.sql', (text) =>
        text.replace('1,1', `1,${value}`),
      );
      await assert.rejects(restore(path, entries, { force: true }), (error) =>
        hasCode(error, 'TARGET_FAILED'),
      );
      assert.deepEqual(query(path, 'SELECT a FROM secrets'), [['mine']]);
    }
  });

  test('a schema that says it is one thing and is another', async () => {
    const path = database("CREATE TABLE secrets(a); INSERT INTO secrets VALUES('mine'); CREATE TABLE t(a)");
    const source = database('CREATE TABLE t(a); CREATE INDEX i ON t(a)');
    const enter = (sql: string) =>
      `--\nPRAGMA writable_schema=ON;\n--\nUPDATE sqlite_schema SET sql = '${sql}' WHERE name = 'i';\n`;
    for (const sql of [
      'DROP TABLE secrets',
      'CREATE INDEX i ON secrets(a)',
      'CREATE TABLE i AS SELECT * FROM secrets',
    ]) {
      const entries = edited(await dump(source), 'finish.sql', (text) => text + enter(sql));
      await restore(path, entries, { force: true }).catch(() => undefined);
      assert.deepEqual(query(path, 'SELECT a FROM secrets'), [['mine']]);
      assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
    }
  });
});
