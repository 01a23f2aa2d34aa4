import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { contentsOf, databasesIn, dump, execute, refused, restore } from './testing.ts';

const folder = temporaryFolder('sqlite-schema');
const { database, newPath } = databasesIn(folder);

suite('an entry of the schema that is no whole definition fails the dump', () => {
  for (const [what, change] of [
    ['a definition that is a blob', 'sql = CAST(sql AS BLOB)'],
    ['a definition that goes on after a NUL', "sql = sql || char(0) || ' WITHOUT ROWID'"],
    ['a type in another case', "type = 'tablE'"],
    ['a name that is a blob', 'name = CAST(name AS BLOB)'],
  ] as const)
    test(what, async () => {
      const path = database(
        `CREATE TABLE good(a); CREATE TABLE bad(a); INSERT INTO bad VALUES(1);
         PRAGMA writable_schema=ON; UPDATE sqlite_schema SET ${change} WHERE name = 'bad'`,
      );
      await refused(dump(path), 'SOURCE_UNREACHABLE', /malformed database schema .*not a whole definition/);
    });
});

suite('in UTF-16', () => {
  test('a definition may have the character that stands for what is not valid', async () => {
    const path = database(
      "PRAGMA encoding='UTF-16be'; CREATE TABLE t(\"n\ufffdme\" DEFAULT '\ufffd'); INSERT INTO t DEFAULT VALUES",
    );
    const copy = newPath();
    await restore(copy, await dump(path));
    assert.deepEqual(contentsOf(copy), contentsOf(path));
  });

  test('one that is not valid is refused', async () => {
    const path = database(
      `PRAGMA encoding='UTF-16le'; CREATE TABLE t(a DEFAULT '?x'); PRAGMA writable_schema=ON;
       UPDATE sqlite_schema SET sql = CAST(replace(hex(CAST(sql AS BLOB)), '3F00', '00DC') AS TEXT);
       UPDATE sqlite_schema SET sql = CAST(unhex(sql) AS TEXT)`,
    );
    await refused(dump(path), 'UNSUPPORTED', /definition of "t" is not valid UTF-16le/);
  });
});

test('a trigger on what a search index keeps comes back', async () => {
  const path = database(
    `CREATE VIRTUAL TABLE docs USING fts5(body); CREATE TABLE log(note); INSERT INTO docs VALUES('kelp');
     CREATE TRIGGER seen AFTER INSERT ON docs_content BEGIN INSERT INTO log VALUES(new.c0); END`,
  );
  const copy = newPath();
  await restore(copy, await dump(path));
  execute(copy, "INSERT INTO docs VALUES('rock')");
  execute(path, "INSERT INTO docs VALUES('rock')");
  assert.deepEqual(contentsOf(copy).rows, contentsOf(path).rows);
});
