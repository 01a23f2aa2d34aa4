// Rows of databases in their snapshots: which changed between two, and what one was in each.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { testPassword } from '#repository/testing.ts';
import { holdfast } from '../src/cli/testing.ts';
import { execute, query } from '../src/sources/sqlite/testing.ts';
import { type MysqlServer, startMariadb } from './servers/mariadb.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('rows');
const repository = join(folder, 'repository');
const env = { HOLDFAST_PASSWORD: testPassword, HOME: folder };

const run = async (...words: readonly string[]) => await holdfast(['-r', repository, ...words], { env });

/** A backup; returns the id of its snapshot. */
const backUp = async (...words: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await run('backup', ...words, '--json');
  const id = jsonLines(stdout).find(({ message_type: type }) => type === 'source_done')?.snapshot_id;
  assert.equal(typeof id, 'string', stderr);
  return `${id}`;
};

const diff = async (...words: readonly string[]): Promise<string[]> => {
  const { status, stdout, stderr } = await run('diff', ...words, '--rows');
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
};

const summaryOf = (lines: readonly string[]): string => lines.at(-1)?.replace(/^\w+ to \w+: /, '') ?? '';

before(() => makeRepository(repository));

suite('rows of PostgreSQL', { skip: skipWithout('postgresql') ?? false }, () => {
  let server: PostgresServer;
  let url: string;
  before(async () => {
    server = await startPostgres();
    await server.psql('postgres', 'CREATE DATABASE shop');
    await server.psql(
      'shop',
      `CREATE TABLE orders (id int PRIMARY KEY, status text, note text);
       INSERT INTO orders SELECT n, 'open', repeat('x', n % 100) FROM generate_series(1, 20000) n;
       CREATE SCHEMA "odd ""one, two)";
       CREATE TABLE "odd ""one, two)"."ta.ble" ("a, b" int, "c)""d" text, v bytea, PRIMARY KEY ("c)""d", "a, b"));
       INSERT INTO "odd ""one, two)"."ta.ble" VALUES (1, E'tab\\tline\\nback\\\\slash', '\\x00ff');
       CREATE TABLE log (at int, text text);
       CREATE TABLE made (a int, b int GENERATED ALWAYS AS (a * 10) STORED PRIMARY KEY);
       INSERT INTO made VALUES (1), (2);
       INSERT INTO log VALUES (1, 'twice'), (1, 'twice'), (2, NULL);
       CREATE TABLE days (day int, v int, PRIMARY KEY (day)) PARTITION BY RANGE (day);
       CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10);
       CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (10) TO (20);
       INSERT INTO days VALUES (1, 1), (11, 1);`,
    );
    url = server.url('shop');
  });
  after(() => server[Symbol.asyncDispose]());

  test('each row that came, went or changed is told, and no other', async () => {
    const first = await backUp(url, '--name', 'shop');
    await server.psql(
      'shop',
      `UPDATE orders SET status = 'paid' WHERE id = 17; UPDATE orders SET note = NULL WHERE id = 300;
       DELETE FROM orders WHERE id = 4000; INSERT INTO orders VALUES (20001, '', 'NULL');
       UPDATE "odd ""one, two)"."ta.ble" SET v = NULL;
       DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log); INSERT INTO log VALUES (3, 'new');
       UPDATE made SET a = 3 WHERE a = 1; UPDATE days SET v = 2 WHERE day = 11; ALTER TABLE days ADD more int;
       CREATE TABLE late (x int); INSERT INTO late VALUES (1);`,
    );
    const second = await backUp(url, '--name', 'shop');
    const lines = await diff(first, second);
    const expected = [
      'M  shop/shop: public.orders  id=17  status: open, now paid',
      `M  shop/shop: public.orders  id=300  note: '', now NULL`,
      `-  shop/shop: public.orders  id=4000  status=open, note=''`,
      `+  shop/shop: public.orders  id=20001  status='', note='NULL'`,
      '   shop/shop: public.orders  1 added, 1 removed, 2 changed (20,000 rows, now 20,000)',
      `M  shop/shop: odd "one, two).ta.ble  c)"d=tab\\tline\\nback\\slash, a, b=1  v: \\x00ff, now NULL`,
      '-  shop/shop: public.log  at=1, text=twice',
      '-  shop/shop: public.made  a=1',
      '+  shop/shop: public.made  a=3',
      '+  shop/shop: public.log  at=3, text=new',
      'M  shop/shop: public.days_1  day=1  more: (none), now NULL',
      'M  shop/shop: public.days_2  day=11  v: 1, now 2; more: (none), now NULL',
      '+  shop/shop: public.late  (a table of 1 row)',
    ];
    for (const line of expected) assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`);
    assert.equal(summaryOf(lines), '3 rows added, 3 removed, 5 changed, in 7 of 7 tables');

    const [row, table, summary] = jsonLines(
      (await run('diff', first, second, '--rows', '--table', 'days_2', '--json')).stdout,
    );
    assert.deepEqual(row, {
      message_type: 'row',
      database: 'shop/shop',
      table: 'public.days_2',
      change: 'changed',
      modifier: 'M',
      key: { day: '11' },
      before: { day: '11', v: '1' },
      after: { day: '11', v: '2', more: null },
    });
    assert.deepEqual([table?.changed, table?.rows_before, table?.listed], [1, 1, true]);
    assert.deepEqual([summary?.tables, summary?.tables_differing], [1, 1]);
    assert.deepEqual(await diff('latest:shop'), lines);
    assert.deepEqual(await diff(`${second.slice(0, 8)}~1`, second), lines);
    // A partitioned table is its parts.
    assert.equal(
      summaryOf(await diff(first, second, '--table', 'days')),
      '0 rows added, 0 removed, 2 changed, in 2 of 2 tables',
    );
  });

  test('a row is found in every snapshot that has it, by its key or by what is in it', async () => {
    const find = async (...words: readonly string[]): Promise<string> => {
      const { status, stdout, stderr } = await run('find', '--source', 'shop', ...words);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      return stdout;
    };
    const paid = await find('--table', 'orders', '--row', 'id=17');
    const heading = String.raw`snapshot \w{8} of shop, .*`;
    assert.match(
      paid,
      new RegExp(
        `^${heading}\nshop/shop: public.orders {2}id=17, status=paid, note=x+\n${heading}\nshop/shop: public.orders {2}id=17, status=open, note=x+\n2 rows in 2 snapshots\n$`,
      ),
    );
    assert.match(await find('--table', 'orders', '--row', 'status=paid'), /\n1 row in 1 snapshot\n$/);
    assert.match(
      await find('--table', 'log', '--row', 'text=twice', '--row', 'at=1'),
      /(\nshop\/shop: public\.log {2}at=1, text=twice){2}\n/,
    );
    assert.match(
      await find('--table', 'days', '--row', 'day=11'),
      /public\.days_2 {2}day=11, v=2, more=NULL\n/,
    );
    assert.match(await find('--table', 'ta.ble', '--row', 'a, b=1'), /v=\\x00ff\n/);
    assert.match(
      await find('--table', 'days', '--row', 'day=11', '--row', 'more=NULL'),
      /public\.days_2 {2}day=11, v=2, more=NULL\n/,
    );
    assert.match(
      await find('--table', 'log', '--row', 'at=4'),
      /^nothing found in 2 snapshots of databases\n$/,
    );
  });

  test('a row of the past comes back beside its table, and never in its place', async () => {
    const restore = (...words: readonly string[]) =>
      run('restore', 'latest:shop~1', '--to', url, '--table', 'public.orders', ...words);
    const { status, stderr } = await restore('--row', 'id=17', '--as', 'public.orders_then');
    assert.equal(status, 0, stderr);
    assert.equal(await server.psql('shop', 'SELECT id, status FROM orders_then'), '17|open');
    const refusals: readonly (readonly [words: readonly string[], status: number, message: RegExp])[] = [
      [['--row', 'id=17'], 15, /orders/],
      [['--row', 'id=17', '--force'], 2, /--force would replace the table by these rows/],
      [['--row', 'id=17', '--exclude', '*.copy'], 2, /patterns choose files/],
      [['--row', 'id=0', '--as', 'public.none'], 1, /has no such row/],
      [['--row', 'id=1', '--table', 'public.log', '--as', 'public.none'], 2, /of one table/],
    ];
    for (const [words, expected, message] of refusals) {
      const refused = await restore(...words);
      assert.equal(refused.status, expected, `${words.join(' ')}: ${refused.stderr}`);
      assert.match(refused.stderr, message);
    }
    assert.equal(
      await server.psql('shop', "SELECT to_regclass('none') IS NULL, count(*) FROM orders"),
      't|20000',
    );
    await server.psql('shop', 'DROP TABLE orders_then');
  });

  test('a table that was written anew in another order has not changed', async () => {
    await server.psql('shop', 'CREATE INDEX by_note ON orders (note, id DESC)');
    const first = await backUp(url, '--name', 'shop');
    await server.psql('shop', 'CLUSTER orders USING by_note; UPDATE orders SET status = status');
    const lines = await diff(first, await backUp(url, '--name', 'shop'));
    assert.equal(summaryOf(lines), '0 rows added, 0 removed, 0 changed, in 0 of 7 tables');
    assert.equal(lines.length, 1);
  });

  test('a table that a backup could not read is named, and the others are compared', async () => {
    const first = await backUp(url, '--name', 'shop');
    await server.psql(
      'shop',
      `CREATE ROLE reader LOGIN PASSWORD 'r'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
       REVOKE ALL ON log FROM reader; UPDATE orders SET status = 'late' WHERE id = 1`,
    );
    const reader = new URL(url);
    [reader.username, reader.password] = ['reader', 'r'];
    const second = await backUp(reader.href, '--name', 'shop');
    const { status, stdout, stderr } = await run('diff', first, second, '--rows');
    assert.equal(status, 3);
    assert.match(stderr, /^shop\/shop: public\.log: not in snapshot \w{8}: reader may not read/m);
    assert.match(stdout, /^M {2}shop\/shop: public\.orders {2}id=1 {2}status: open, now late$/m);
    assert.match(stdout, /; \d tables? could not be compared, named above\n$/);
  });
});

suite('rows of MariaDB', { skip: skipWithout('mariadb') ?? false }, () => {
  let server: MysqlServer;
  before(async () => {
    server = await startMariadb();
  });
  after(() => server[Symbol.asyncDispose]());

  test('keys of any name, bytes that are no text, and rows of the past', async () => {
    await server.sql(
      `create database shop; use shop; set names utf8mb4;
       create table \`o\`\`dd, ü\` (\`k\`\`ey\` varchar(9), n int, raw blob, primary key (\`k\`\`ey\`, n));
       insert into \`o\`\`dd, ü\` values ('a\\tb', 1, x'00ff'), ('c', 2, null);
       create table past (id int primary key, v int) with system versioning;
       insert into past values (1, 1);
       create table told (a int, v int, primary key (a) comment 'of \`v\`');
       insert into told values (1, 1), (2, 2);`,
    );
    const first = await backUp(server.url('shop'), '--name', 'maria');
    await server.sql(
      `use shop; set names utf8mb4; update \`o\`\`dd, ü\` set raw = 'text' where n = 1; delete from \`o\`\`dd, ü\` where n = 2;
       update past set v = 2; update told set v = 3 where a = 1;`,
    );
    const second = await backUp(server.url('shop'), '--name', 'maria');
    const lines = await diff(first, second);
    assert.ok(
      lines.includes('M  maria/shop: shop.o`dd, ü  k`ey=a\\tb, n=1  raw: 0x00ff, now text'),
      lines.join('\n'),
    );
    assert.ok(lines.includes('-  maria/shop: shop.o`dd, ü  k`ey=c, n=2  raw=NULL'), lines.join('\n'));
    assert.ok(lines.includes('M  maria/shop: shop.told  a=1  v: 1, now 3'), lines.join('\n'));
    assert.match(summaryOf(lines), /^\d rows? added, \d removed, \d changed, in 3 of 3 tables$/);

    const words = ['--to', server.url('shop'), '--table', 'o`dd, ü', '--row', 'k`ey=c', '--as', 'thence'];
    assert.equal((await run('restore', first, ...words)).status, 0);
    assert.equal(await server.sql('select * from thence', 'shop'), 'c\t2\tNULL');
  });

  test('a value of several lines is found as it is shown, and a column whose name has a sign in it', async () => {
    await server.sql(
      'create database odd; use odd; create table t (`a=b` int primary key, `"q` text); insert into t values (1, concat("two", char(10), "lines")), (2, "x")',
    );
    const id = await backUp(server.url('odd'), '--name', 'odd');
    for (const value of ['"q=two\\nlines', '"q=two\nlines', '"a=b"=1', '"""q"=two\\nlines']) {
      const { stdout } = await run('find', '--snapshot', id, '--table', 't', '--row', value);
      assert.match(stdout, /odd\.t {2}a=b=1, "q=two\\nlines\n1 row in 1 snapshot/, value);
    }
  });

  test('no value, an empty one and the word for none are found as they are shown', async () => {
    await server.sql(
      "create database none; use none; create table notes (id int primary key, a text); insert into notes values (1, null), (2, ''), (3, 'NULL')",
    );
    const id = await backUp(server.url('none'), '--name', 'none');
    const idsOf = async (value: string): Promise<readonly unknown[]> => {
      const { stdout } = await run('find', '--snapshot', id, '--table', 'notes', '--row', value, '--json');
      return jsonLines(stdout).flatMap(({ values }) => (values ? [(values as { id: string }).id] : []));
    };
    assert.deepEqual(await idsOf('a=NULL'), ['1', '3']);
    assert.deepEqual(await idsOf("a='NULL'"), ['3']);
    assert.deepEqual(await idsOf("a=''"), ['2']);
    assert.deepEqual(await idsOf('a='), ['2']);
  });

  test('a value is found in any character set', async () => {
    await server.sql(
      `create database wide; use wide;
       create table texts (id int primary key, a varchar(9) character set utf16, b enum('no', 'yes') character set utf16le) default charset ucs2;
       alter table texts add c text; insert into texts values (1, 'Ada', 'yes', 'sea'), (2, 'Bob', 'no', 'sky');`,
    );
    const id = await backUp(server.url('wide'), '--name', 'wide');
    for (const value of ['a=Ada', 'b=yes', 'c=sea', 'id=1']) {
      const { stdout } = await run('find', '--snapshot', id, '--table', 'texts', '--row', value);
      assert.match(stdout, /id=1, a=Ada, b=yes, c=sea\n1 row in 1 snapshot/, value);
    }
  });
});

suite('rows of SQLite, and what cannot be compared', () => {
  const path = join(folder, 'shop.db');

  test('rows are told by their key, or else by their rowid', async () => {
    execute(
      path,
      `CREATE TABLE kv (k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO kv VALUES ('a', 1), ('b', X'00');
       CREATE TABLE log (text); INSERT INTO log VALUES ('one'), ('two');
       CREATE TABLE gone (x); INSERT INTO gone VALUES (1);`,
    );
    const first = await backUp(path);
    execute(
      path,
      "UPDATE kv SET v = '1' WHERE k = 'a'; UPDATE log SET text = 'a' || char(10) || 'b' WHERE rowid = 2; DROP TABLE gone",
    );
    const second = await backUp(path);
    assert.deepEqual((await diff(first, second)).slice(0, -1).toSorted(), [
      '   shop: kv  0 added, 0 removed, 1 changed (2 rows, now 2)',
      '   shop: log  0 added, 0 removed, 1 changed (2 rows, now 2)',
      '-  shop: gone  (a table of 1 row)',
      "M  shop: kv  k='a'  v: 1, now '1'",
      "M  shop: log  rowid=2  text: 'two', now replace('a\\nb','\\n',char(10))",
    ]);
  });

  test('a value of several lines is found with line breaks of its own, or with them spelled out', async () => {
    const notes = join(folder, 'notes.db');
    execute(
      notes,
      "CREATE TABLE notes (id INTEGER PRIMARY KEY, text); INSERT INTO notes VALUES (1, 'it''s' || char(13, 10) || 'two'), (2, 'a\\nb')",
    );
    const id = await backUp(notes);
    const idsOf = async (value: string): Promise<unknown[]> => {
      const words = ['--snapshot', id, '--table', 'notes', '--row', `text=${value}`, '--json'];
      const rows = jsonLines((await run('find', ...words)).stdout).slice(0, -1);
      return rows.map((row) => (row.values as Record<string, string>).id);
    };
    for (const value of ["it's\r\ntwo", "it's\\x0d\\ntwo", "replace('it''s\\x0d\\ntwo','\\n',char(10))"])
      assert.deepEqual(await idsOf(value), ['1'], value);
    assert.deepEqual([await idsOf('a\\nb'), await idsOf('a\nb'), await idsOf('two')], [['2'], [], []]);
    const words = ['--table', 'notes', '--row', "text=it's\r\ntwo", '--to', join(folder, 'note.db')];
    assert.equal((await run('restore', id, ...words)).status, 0);
    assert.deepEqual(query(join(folder, 'note.db'), 'SELECT id FROM notes'), [[1n]]);
  });

  test('a row comes back into a database of its own, and into a folder as a line', async () => {
    const id = await backUp(path, '--name', 'lite');
    for (const to of ['row.db', 'row']) {
      const words = ['--table', 'log', '--row', 'rowid=2', '--to', join(folder, to)];
      assert.equal((await run('restore', id, ...words)).status, 0);
    }
    assert.deepEqual(query(join(folder, 'row.db'), 'SELECT rowid, text FROM log'), [[2n, 'a\nb']]);
    assert.match(
      readFileSync(join(folder, 'row/data/log/0000.sql'), 'utf8'),
      /^INSERT INTO "log".*VALUES\(2,.*;\n$/,
    );
  });

  test('a row comes back beside its table, and never in its place', async () => {
    const id = await backUp(path, '--name', 'beside');
    const words = [id, '--to', path, '--table', 'kv', '--row', 'k=b'];
    assert.equal((await run('restore', ...words, '--as', 'kv_then')).status, 0);
    assert.deepEqual(query(path, 'SELECT k FROM kv_then'), [['b']]);
    const { status, stderr } = await run('restore', ...words);
    assert.equal(status, 15);
    assert.match(stderr, /has a table kv\nhint: .*--as/);
    const mistyped = await run(
      'restore',
      id,
      '--to',
      path,
      '--table',
      'kv',
      '--row',
      'kk=b',
      '--as',
      'other',
    );
    assert.equal(mistyped.status, 1);
    assert.match(
      mistyped.stderr,
      /the table has no column "kk" in snapshot \w{8}\nhint: its columns: k, v\n/,
    );
  });

  test('a dry run says which rows would come, and ends as the restore would', async () => {
    const id = await backUp(path, '--name', 'dry');
    const dry = (...words: readonly string[]) =>
      run('restore', id, '--to', join(folder, 'dry'), '--dry-run', '--table', 'kv', ...words);
    const [one, none] = [await dry('--row', 'k=b'), await dry('--row', 'k=nothing')];
    assert.deepEqual([one.status, none.status], [0, 1]);
    assert.match(one.stdout, /would restore 1 row in 1 file, \d\d B, of snapshot/);
    assert.match(none.stderr, /has no such row/);
    assert.match((await dry('--row', 'kk=b')).stderr, /the table has no column "kk"/);
    const asked = await dry('--query', '{}');
    assert.deepEqual([asked.status, /takes no query/.test(asked.stderr)], [2, true]);
  });

  test('what is asked for in vain is refused', async () => {
    execFileSync('mkdir', [join(folder, 'media')]);
    const files = await backUp(join(folder, 'media'));
    const refusals: readonly (readonly [words: readonly string[], message: RegExp, status?: number])[] = [
      [
        ['latest:shop', 'latest:shop', '--rows', '--table', 'kw'],
        /holds a table "kw"; did you mean "kv"\?/,
        1,
      ],
      [['latest:shop', files, '--rows'], /is of kind sqlite, \w{8} of kind files/],
      [[files, files, '--rows'], /leave out --rows/],
      [['latest:shop', 'latest:shop', '--table', 'kv'], /say --rows as well/],
      [['latest:shop', 'latest:shop', '--rows', '--metadata'], /exclude each other/],
    ];
    for (const [words, message, expected = 2] of refusals) {
      const { status, stderr } = await run('diff', ...words);
      assert.equal(status, expected, words.join(' '));
      assert.match(stderr, message);
    }
    const vain: readonly (readonly [words: readonly string[], status: number, message: RegExp])[] = [
      [['--table', 'kv'], 2, /--table and --row together/],
      [['--row', 'k=a'], 2, /--table and --row together/],
      [['--table', 'kv', '--row', 'k'], 2, /"k" is not column=value/],
      [['--table', 'kv', '--row', 'k=a', '--row', 'k=b'], 2, /column k is given twice/],
      [['--table', 'kv', '--row', 'k=a', 'menu.pdf'], 2, /exclude each other/],
      [['--table', 'kv', '--row', 'k=a', '--document', 'x'], 2, /exclude each other/],
      [['--table', 'kv', '--row', 'k=a', '-i'], 2, /--ignore-case is for patterns/],
      [['--table', 'kw', '--row', 'k=a'], 1, /holds a table "kw"/],
      [['--table', 'kv', '--row', 'kk=two'], 0, /no row of kv has a column "kk"/],
    ];
    for (const [words, expected, message] of vain) {
      const { status, stderr } = await run('find', ...words);
      assert.equal(status, expected, words.join(' '));
      assert.match(stderr, message);
    }
  });
});
