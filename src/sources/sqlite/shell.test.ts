// What docs/sources/sqlite.md promises: a dump rebuilds with nothing but the sqlite3 shell.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { program, skipWithout } from '../../../test/servers/programs.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { type CapturedEntry, capture } from '../testing.ts';
import { contentsOf, everythingSql, execute, openSqlite, query } from './testing.ts';

const folder = temporaryFolder('sqlite-shell');

const dump = async (path: string): Promise<CapturedEntry[]> => {
  await using source = await openSqlite(path);
  return await capture(source);
};

const shell = (path: string, input: string | Uint8Array): void => {
  const { status, stderr } = spawnSync(program('sqlite3'), ['-bail', path], { input, encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(status, 0);
};

/** What `cat create.sql data/*\/*.sql finish.sql` prints. */
const concatenated = (entries: readonly CapturedEntry[]): Buffer =>
  Buffer.concat(entries.filter(({ path }) => path.endsWith('.sql')).map(({ content }) => content!));

suite('with the sqlite3 shell', { skip: skipWithout('sqlite') }, () => {
  for (const encoding of ['UTF-8', 'UTF-16le', 'UTF-16be'])
    test(`a dump in ${encoding} makes the same database`, async () => {
      const path = join(folder, `${encoding}.db`);
      execute(path, `PRAGMA encoding='${encoding}'; ${everythingSql}`);
      const copy = join(folder, `${encoding}-copy.db`);
      shell(copy, concatenated(await dump(path)));
      assert.deepEqual(contentsOf(copy), contentsOf(path));
      assert.deepEqual(query(copy, 'PRAGMA integrity_check'), [['ok']]);
      assert.deepEqual(query(copy, "SELECT title FROM docs('rock')"), [['kelp']]);
    });

  test('the first line of create.sql loads a dump into a shell that begins as strict as newer ones do', async () => {
    const path = join(folder, 'strict.db');
    execute(path, `${everythingSql}; CREATE TABLE words(a, CHECK(a IN ("kelp", "rock")))`);
    const folderOfDump = join(folder, 'strict');
    for (const { path: at, content } of await dump(path)) {
      mkdirSync(dirname(join(folderOfDump, at)), { recursive: true });
      writeFileSync(join(folderOfDump, at), content!);
    }
    const strict = join(folder, 'strict.init');
    writeFileSync(strict, '.dbconfig defensive on\n.dbconfig dqs_ddl off\n');
    const [title = ''] = readFileSync(join(folderOfDump, 'create.sql'), 'utf8').split('\n');
    const command = title
      .replace(/^.*: /, '')
      .replace('sqlite3', `'${program('sqlite3')}' -init '${strict}'`);
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: folderOfDump, encoding: 'utf8' });
    assert.deepEqual([status, stderr.replace(/^-- .*\n/, '')], [0, '']);
    assert.deepEqual(contentsOf(join(folderOfDump, 'new.db')), contentsOf(path));
  });

  test('definitions that end in a comment do not swallow what follows them', async () => {
    const path = join(folder, 'comments.db');
    using db = new DatabaseSync(path);
    for (const sql of [
      "CREATE TABLE a(x PRIMARY KEY, y DEFAULT '--') WITHOUT ROWID -- it''s \"the",
      'CREATE TABLE b(x INT) STRICT /* without end',
      'CREATE INDEX c ON a(y) -- key',
      'CREATE INDEX d ON b(x) /* without end',
      'CREATE INDEX e ON b(x, x) /*/',
      'CREATE VIEW f AS SELECT 1 /* one */ -- two',
      'INSERT INTO a VALUES(1, 2)',
    ])
      db.prepare(sql).run();
    const copy = join(folder, 'comments-copy.db');
    shell(copy, concatenated(await dump(path)));
    const names = 'SELECT name FROM sqlite_schema ORDER BY name';
    assert.deepEqual(query(copy, names), query(path, names));
    assert.deepEqual(query(copy, 'SELECT * FROM a'), [[1n, 2n]]);
    assert.deepEqual(query(copy, 'PRAGMA integrity_check'), [['ok']]);
    const again = join(folder, 'comments-again.db');
    shell(again, concatenated(await dump(copy)));
    assert.deepEqual(contentsOf(again), contentsOf(copy));
  });

  test('the rows of one table go into a database that has it', async () => {
    const path = join(folder, 'orders.db');
    execute(
      path,
      "CREATE TABLE orders(id INTEGER PRIMARY KEY, note); INSERT INTO orders VALUES(1, 'a' || char(10))",
    );
    const rows = (await dump(path)).find((entry) => entry.path === 'data/orders/0000.sql')?.content;
    execute(path, 'DELETE FROM orders');
    shell(path, Buffer.concat([Buffer.from('BEGIN;\n'), rows!, Buffer.from('COMMIT;\n')]));
    assert.deepEqual(query(path, 'SELECT * FROM orders'), [[1n, 'a\n']]);
  });

  test('a database made by the shell, statistics of other kinds included, comes back', async () => {
    const path = join(folder, 'shell.db');
    shell(path, 'CREATE TABLE t(a, b); CREATE INDEX i ON t(a); INSERT INTO t VALUES(1, 2), (3, 4); ANALYZE;');
    const copy = join(folder, 'shell-copy.db');
    await using target = await openSqlite(copy);
    await using source = await openSqlite(path);
    assert.deepEqual((await target.restore(source.dump(), { force: false, rename: [] })).failures, []);
    assert.deepEqual(contentsOf(copy), contentsOf(path));
  });
});
