// Questions in SQL to snapshots of databases; no server answers them.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Decimal128, Long, ObjectId } from 'mongodb';
import { testPassword } from '#repository/testing.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { putRevisions, revision } from '../src/sources/couchdb/testing.ts';
import { execute } from '../src/sources/sqlite/testing.ts';
import { skipWithoutCouch, startCouch } from './servers/couchdb.ts';
import { type MysqlServer, startMariadb } from './servers/mariadb.ts';
import { skipWithoutMongodb, startMongodb } from './servers/mongodb.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('query');
const repository = join(folder, 'repository');
const env = { HOLDFAST_PASSWORD: testPassword, HOME: folder };

const run = async (...words: readonly string[]): Promise<Outcome> =>
  await holdfast(['-r', repository, ...words], { env });

const backUp = async (...words: readonly string[]): Promise<void> => {
  const { status, stderr } = await run('backup', ...words, '-q');
  assert.equal(status, 0, stderr);
};

/** The answer's rows. */
const ask = async (source: string, sql: string): Promise<unknown[]> => {
  const { status, stdout, stderr } = await run('query', `latest:${source}`, sql, '--json');
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, sql);
  const rows = jsonLines(stdout).slice(0, -1);
  return rows.map(({ values }) => values);
};

const refused = async (source: string, sql: string, message: RegExp, status = 2): Promise<void> => {
  const outcome = await run('query', `latest:${source}`, sql);
  assert.deepEqual([outcome.status, outcome.stdout], [status, ''], sql);
  assert.match(outcome.stderr, message);
};

before(() => makeRepository(repository));

suite('SQL to a snapshot of SQLite', () => {
  const file = join(folder, 'shop.db');
  before(async () => {
    execute(
      file,
      `CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, status TEXT, total DECIMAL(10,2), note);
       INSERT INTO orders VALUES (1, 1, 'open', 10.5, NULL), (2, 1, 'paid', 7, 'two' || char(10) || 'lines ''quoted'''),
         (3, 2, 'open', '9.25', 9223372036854775807), (4, 9, 'open', 1e999, x'00FF');
       CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT) STRICT;
       INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bo' || char(0) || 'b');
       CREATE TABLE "Odd ""one.two" ("a b", value ANY);
       INSERT INTO "Odd ""one.two" VALUES (1.0, -0.5), ('1', 1);
       CREATE VIRTUAL TABLE search USING fts5(word); INSERT INTO search VALUES ('kelp');
       CREATE VIEW open AS SELECT * FROM orders WHERE status = 'open';`,
    );
    await backUp(file, '--name', 'shop');
  });

  test('an answer is a table for people, objects with --json, or CSV', async () => {
    const sql = 'SELECT id, status, total, note FROM orders WHERE id < 4 ORDER BY total DESC';
    const { stdout, status } = await run('query', 'latest:shop', sql);
    assert.equal(status, 0);
    assert.equal(
      stdout,
      [
        'id  status  total  note',
        ' 1  open     10.5  NULL',
        ' 3  open     9.25  9223372036854775807',
        " 2  paid        7  two\\nlines 'quoted'",
        '(3 rows)',
        '',
      ].join('\n'),
    );
    assert.equal(
      (await run('query', 'latest:shop', sql, '--csv')).stdout,
      `id,status,total,note\n1,open,10.5,\n3,open,9.25,9223372036854775807\n2,paid,7,"two\nlines 'quoted'"\n`,
    );
    const { stdout: json } = await run(
      'query',
      'latest:shop',
      'SELECT note, total FROM orders WHERE id > 2',
      '--json',
    );
    assert.deepEqual(json.split('\n').slice(0, 2), [
      '{"message_type":"row","values":{"note":9223372036854775807,"total":9.25}}',
      `{"message_type":"row","values":{"note":"X'00FF'","total":"Infinity"}}`,
    ]);
  });

  test('every value has the type that it had', async () => {
    assert.deepEqual(
      await ask('shop', 'SELECT typeof(total) AS total, typeof(note) AS note FROM orders ORDER BY id'),
      [
        { total: 'real', note: 'null' },
        { total: 'integer', note: 'text' },
        { total: 'real', note: 'integer' },
        { total: 'real', note: 'blob' },
      ],
    );
    assert.deepEqual(
      await ask('shop', 'SELECT typeof("a b") AS a, typeof(value) AS v FROM "Odd ""one.two"'),
      [
        { a: 'real', v: 'real' },
        { a: 'text', v: 'integer' },
      ],
    );
    assert.deepEqual(await ask('shop', 'SELECT hex(name) AS name FROM customers WHERE id = 2'), [
      { name: '426F0062' },
    ]);
  });

  test('tables are joined, in the database’s name too, and looked into with all that SQLite can', async () => {
    assert.deepEqual(
      await ask(
        'shop',
        `WITH sums AS (SELECT customer, count(*) AS orders, sum(total) AS total FROM shop.orders GROUP BY customer)
         SELECT name, orders, rank() OVER (ORDER BY total) AS place FROM sums JOIN Customers ON customer = id`,
      ),
      [
        { name: 'Bo\0b', orders: 1, place: 1 },
        { name: 'Ada', orders: 2, place: 2 },
      ],
    );
    assert.deepEqual(await ask('shop', `SELECT rowid, '?' AS text FROM "Odd ""one.two" LIMIT 1`), [
      { rowid: 1, text: '?' },
    ]);
    assert.deepEqual(await ask('shop', 'SELECT 1 + 1 AS two'), [{ two: 2 }]);
    assert.deepEqual(await ask('shop', 'SELECT count(*) AS n FROM orders;  -- all\n'), [{ n: 4 }]);
  });

  test('tables are joined by the columns that both have', async () => {
    execute(
      join(folder, 'joins.db'),
      `CREATE TABLE a (id INTEGER PRIMARY KEY, v); INSERT INTO a VALUES (1, 'x'), (2, 'y');
       CREATE TABLE b ("Id" INTEGER PRIMARY KEY, w); INSERT INTO b VALUES (2, 'z'), (3, 'o');`,
    );
    await backUp(join(folder, 'joins.db'), '--name', 'joins');
    for (const from of ['a JOIN b USING (id)', 'a JOIN b USING ("ID")', 'b NATURAL JOIN a'])
      assert.deepEqual(await ask('joins', `SELECT v, w FROM ${from}`), [{ v: 'y', w: 'z' }], from);
    assert.deepEqual(await ask('joins', 'SELECT id, v, w FROM a FULL JOIN b USING (id) ORDER BY id'), [
      { id: 1, v: 'x', w: null },
      { id: 2, v: 'y', w: 'z' },
      { id: 3, v: null, w: 'o' },
    ]);
    await refused('joins', 'SELECT 1 FROM a JOIN b USING (v)', /joined by a column "v" that not both have/);
  });

  test('without a query, the tables are listed', async () => {
    const { stdout } = await run('query', 'latest:shop');
    assert.deepEqual(stdout.trimEnd().split('\n').toSorted(), [
      '3 tables',
      'shop: Odd "one.two  2 rows  (rowid INTEGER, a b, value)',
      'shop: customers  2 rows  (id INTEGER, name TEXT)',
      'shop: orders  4 rows  (id INTEGER, customer INTEGER, status TEXT, total NUMERIC, note)',
    ]);
  });

  test('a table that the backup could not capture is named among them', async () => {
    const path = join(folder, 'lacking.db');
    execute(path, 'CREATE TABLE "line\nbreak" (a); CREATE TABLE whole (a)');
    assert.equal((await run('backup', path, '-q')).status, 3);
    const { status, stdout, stderr } = await run('query', 'latest:lacking');
    assert.deepEqual([status, stdout], [3, 'lacking: whole  0 rows  (rowid INTEGER, a)\n1 table\n']);
    assert.match(stderr, /^lacking: line\\nbreak: not captured: .*\n$/);
  });

  test('what cannot be answered is refused, with what to do', async () => {
    await refused('shop', 'SELECT * FROM ordrs', /no table "ordrs"; did you mean "orders"\?\n/, 1);
    await refused(
      'shop',
      'SELECT count(*) FROM search',
      /search cannot be asked: its rows are not those of one table/,
      1,
    );
    await refused('shop', 'SELECT * FROM open', /what a view shows is not in a snapshot/, 1);
    await refused(
      'shop',
      'SELECT statu FROM orders',
      /no table of the query has a column "statu"; did you mean "status"\?/,
    );
    await refused('shop', 'SELECT "open" FROM orders', /column "open"[\s\S]*texts stand in single quotes/);
    await refused('shop', 'SELEKT 1', /near "SELEKT": syntax error/);
    await refused('shop', 'SELECT 1 FROM a.b.c', /near ".": .*\n.*quotes, as in before\."public\.orders"/);
    await refused('shop', '', /no statement/);
    await refused('shop', 'SELECT 1; SELECT 2', /more than one statement/);
    for (const sql of [
      'DELETE FROM orders',
      'CREATE TABLE x (y)',
      `ATTACH '${join(folder, 'new.db')}' AS new`,
      'PRAGMA journal_mode',
      'SELECT * FROM sqlite_schema',
      "SELECT * FROM pragma_table_info('orders')",
      'VACUUM',
      `VACUUM INTO '${join(folder, 'new.db')}'`,
      'BEGIN',
      'SELECT * FROM dbstat',
    ])
      await refused('shop', sql, /a query can only read, and only tables of the snapshot/);
    await refused('shop', "SELECT json('{') FROM orders", /could not answer the query: malformed JSON/);
    // Both would be answered otherwise: with numbers of our own, and as if the value were NULL.
    for (const name of ['rowid', 'oid', 'orders._rowid_'])
      await refused('shop', `SELECT ${name} FROM orders`, /the rowid .* is not in a snapshot/);
    for (const value of ['?', ':id', '$id'])
      await refused('shop', `SELECT * FROM orders WHERE id = ${value}`, /the query has a parameter/);
    const twice = await run('query', 'latest:shop', 'SELECT id, id FROM orders', '--json');
    assert.match(twice.stderr, /two columns of the answer are called \\"id\\"/);
    assert.equal((await run('query', 'latest:shop', '--csv')).status, 2);
  });
});

test('the files of a snapshot are a table', async () => {
  const media = join(folder, 'media');
  mkdirSync(join(media, 'sub'), { recursive: true });
  for (const size of [1, 20, 300]) writeFileSync(join(media, 'sub', `${size}.jpg`), 'x'.repeat(size));
  symlinkSync('sub/1.jpg', join(media, 'link'));
  utimesSync(join(media, 'sub', '300.jpg'), 0, 1_000_000_000.5);
  await backUp(media, '--name', 'media');
  assert.deepEqual(
    await ask(
      'media',
      "SELECT path, mtime, strftime('%Y', mtime) AS year FROM files WHERE size > 20 AND type = 'file'",
    ),
    [{ path: '/media/sub/300.jpg', mtime: '2001-09-09T01:46:40.500Z', year: '2001' }],
  );
  assert.deepEqual(
    await ask(
      'media',
      'SELECT type, count(*) AS n, sum(size) AS bytes FROM files GROUP BY type ORDER BY type',
    ),
    [
      { type: 'dir', n: 2, bytes: 0 },
      { type: 'file', n: 3, bytes: 321 },
      { type: 'symlink', n: 1, bytes: 0 },
    ],
  );
  assert.deepEqual(
    await ask('media', 'SELECT name, link_target FROM main.Files WHERE link_target IS NOT NULL'),
    [{ name: 'link', link_target: 'sub/1.jpg' }],
  );
  assert.match(
    (await run('query', 'latest:media')).stdout,
    /^media: files {2}\(path TEXT, name TEXT, .*\)\n1 table\n$/,
  );
  await refused('media', 'SELECT * FROM orders', /no table "orders"\nhint: it is one of files/, 1);
});

suite('SQL to several snapshots', () => {
  const file = join(folder, 'stock.db');
  const photos = join(folder, 'photos');
  before(async () => {
    execute(
      file,
      `CREATE TABLE goods (id INTEGER PRIMARY KEY, price, photo); CREATE TABLE old (a);
       INSERT INTO goods VALUES (1, 10, 'kelp.jpg'), (2, 20, 'rock.jpg'), (3, 30, NULL)`,
    );
    mkdirSync(photos);
    for (const name of ['kelp.jpg', 'left.jpg']) writeFileSync(join(photos, name), name);
    await backUp(file, photos);
    execute(file, 'DELETE FROM goods WHERE id = 3; UPDATE goods SET price = 21 WHERE id = 2');
    await backUp(file, photos);
  });
  const askAll = async (others: readonly string[], sql: string): Promise<unknown[]> => {
    const options = others.flatMap((other) => ['--with', other]);
    const { status, stdout, stderr } = await run('query', 'latest:stock', ...options, sql, '--json');
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, sql);
    return jsonLines(stdout)
      .slice(0, -1)
      .map(({ values }) => values);
  };

  test('a table is held against itself as it was', async () => {
    assert.deepEqual(
      await askAll(
        ['before=latest:stock~1'],
        `SELECT b.id, b.price AS was, g.price AS is_now FROM Before.goods b LEFT JOIN goods g USING (id)
          WHERE b.price IS NOT g.price ORDER BY b.id`,
      ),
      [
        { id: 2, was: 20, is_now: 21 },
        { id: 3, was: 30, is_now: null },
      ],
    );
    assert.deepEqual(
      await askAll(['b=latest:stock~1', 'c=latest:stock'], 'SELECT count(*) AS n FROM b.old, c.goods'),
      [{ n: 0 }],
    );
    const itself = 'SELECT max(stock.goods.price) AS n FROM stock.goods';
    assert.deepEqual(await askAll(['stock=latest:stock'], itself), [{ n: 21 }]);
  });

  test('a snapshot is called as its source may be, with hyphens and dots', async () => {
    for (const name of ['my-shop', 'my.shop', '2nd', '_before'])
      assert.deepEqual(
        await askAll([`${name}=latest:stock~1`], `SELECT max(id) AS n FROM "${name}".goods`),
        [{ n: 3 }],
        name,
      );
    for (const name of ['my-shop', 'my.shop', '2nd']) {
      const { stderr } = await run(
        'query',
        'latest:stock',
        ...['--with', `${name}=latest:stock`, `SELECT 1 FROM ${name}.goods`],
      );
      assert.match(stderr, new RegExp(`hint: .*in double quotes: "${name}"\\.orders`));
    }
  });

  test('what a database names is held against the files of a snapshot', async () => {
    const sql = `SELECT id, path FROM goods FULL JOIN media.files ON '/photos/' || photo = path
      WHERE type IS NOT 'dir' AND (id IS NULL OR path IS NULL)`;
    assert.deepEqual(await askAll(['media=latest:photos'], sql), [
      { id: 2, path: null },
      { id: null, path: '/photos/left.jpg' },
    ]);
  });

  test('a snapshot whose name hides a table of the first is refused, and another name is not', async () => {
    const twins = join(folder, 'twins.db');
    execute(
      twins,
      'CREATE TABLE "w.goods" (id); INSERT INTO "w.goods" VALUES (7); CREATE TABLE goods (id); INSERT INTO goods VALUES (8)',
    );
    await backUp(twins);
    const ask = (name: string, sql: string) =>
      run('query', 'latest:twins', '--with', `${name}=latest:stock~1`, sql, '--json');
    for (const sql of ['SELECT id FROM "w.goods"', 'SELECT id FROM w.goods', 'SELECT id FROM "W.Goods"']) {
      const { status, stdout, stderr } = await ask('w', sql);
      assert.deepEqual([status, stdout], [2, ''], sql);
      assert.match(
        stderr,
        /"[wW]\.[gG]oods\\?" is a table of the snapshot itself, .*give the snapshot of --with another name/s,
      );
    }
    // Its database has that name, too.
    assert.equal((await ask('twins', 'SELECT id FROM twins.goods')).status, 2);
    assert.match(
      (await ask('v', 'SELECT id FROM "w.goods"')).stdout,
      /^\{"message_type":"row","values":\{"id":7\}\}$/m,
    );
    assert.match(
      (await ask('w', 'SELECT id FROM goods')).stdout,
      /^\{"message_type":"row","values":\{"id":8\}\}$/m,
    );
    assert.match((await ask('w', 'SELECT count(*) AS n FROM w.old')).stdout, /"n":0/);
    const itself = ['--with', 'w=latest:twins', 'SELECT id FROM w.goods'];
    assert.equal((await run('query', 'latest:twins', ...itself)).status, 2);
  });

  test('what cannot be meant is refused, with the name of the snapshot', async () => {
    const refusedWith = async (words: readonly string[], message: RegExp, status = 2): Promise<void> => {
      const outcome = await run('query', 'latest:stock', ...words);
      assert.deepEqual([outcome.status, outcome.stdout], [status, '']);
      assert.match(outcome.stderr, message);
    };
    const before = ['--with', 'before=latest:stock~1'];
    await refusedWith([...before, 'SELECT * FROM before.god'], /before: the snapshot has no table "god"/, 1);
    await refusedWith([...before, 'SELECT * FROM god'], /: the snapshot has no table "god"/, 1);
    await refusedWith([...before, '--with', 'Before=latest:stock', 'SELECT 1'], /the name "Before" is taken/);
    await refusedWith(['--with', 'main=latest:stock', 'SELECT 1'], /the name "main" is taken/);
    for (const wrong of ['latest:stock', '-x=latest:stock', 'a b=latest:stock', '=latest:stock'])
      await refusedWith([`--with=${wrong}`, 'SELECT 1'], new RegExp(`"${wrong}" is not name=snapshot`));
    await refusedWith(['--with', 'x=latest', 'SELECT 1'], /sources/);
    await refusedWith(['--with', 'x=feed', 'SELECT 1'], /feed/, 1);
    await refusedWith(before, /--with is for a query, and none is asked/);
    const many = Array.from({ length: 11 }, (_, at) => `s${at}`);
    await refusedWith(
      [
        ...many.flatMap((name) => ['--with', `${name}=latest:stock`]),
        `SELECT 1 FROM ${many.join('.old, ')}.old`,
      ],
      /tables of more than 10 schemas and snapshots of --with/,
    );
  });
});

suite('SQL to a snapshot of PostgreSQL', { skip: skipWithout('postgresql') ?? false }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
    await server.psql('postgres', 'CREATE DATABASE shop');
    await server.psql('postgres', 'CREATE DATABASE crm');
    await server.psql(
      'shop',
      `CREATE DOMAIN price AS numeric(10,2); CREATE DOMAIN discount AS price CHECK (value < 100);
       CREATE DOMAIN saving AS discount; CREATE DOMAIN plain AS saving;
       CREATE TYPE "a pair" AS (n integer, x double precision, t text); CREATE TABLE typed OF "a pair";
       CREATE TABLE defaulted OF "a pair" (x WITH OPTIONS DEFAULT 1, PRIMARY KEY (n));
       INSERT INTO typed VALUES (9, '-Infinity', '7'), (10, 'Infinity', '8'), (11, 'NaN', '9'); INSERT INTO defaulted VALUES (9), (10);
       CREATE TABLE plains (n plain); INSERT INTO plains VALUES (9), (10);
       CREATE SCHEMA "sales, 2026";
       CREATE TABLE kinds (id bigint PRIMARY KEY, a smallint, b numeric, c double precision, d boolean, e bytea, f price, g discount,
         h text DEFAULT 'a, (b', i integer[], j jsonb, k timestamptz, "l, m" varchar(5), n price[], o numeric(4,1)[]);
       INSERT INTO kinds VALUES (9223372036854775807, 2, 12.50, 'NaN', true, '\\x00ff', 3.10, 4, E'tab\\tline\\n', '{1,2}',
         '{"a": {"b": [1, "x"]}}', '2026-11-23 01:02:03+00', '007', '{1.5}', '{2.5}');
       INSERT INTO kinds (id, d) VALUES (1, false);
       CREATE TABLE "sales, 2026"."Orders" ("Id" int, id text);
       INSERT INTO "sales, 2026"."Orders" VALUES (1, 'one');
       CREATE TABLE base (a int); CREATE TABLE child (b int) INHERITS (base); INSERT INTO child VALUES (1, 2);
       CREATE TABLE days (day int, v numeric) PARTITION BY RANGE (day);
       CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10);
       CREATE TABLE days_2 (v numeric, day int NOT NULL); ALTER TABLE days ATTACH PARTITION days_2 FOR VALUES FROM (10) TO (20);
       INSERT INTO days VALUES (1, 1.5), (11, 2.5);
       CREATE SCHEMA other; CREATE TABLE other.twice (x int); CREATE SCHEMA third; CREATE TABLE third.twice (y int);
       CREATE SCHEMA archive; CREATE SCHEMA main; CREATE SCHEMA "my.app";
       CREATE TABLE "my.app".words (y int); CREATE TABLE "my.app"."two.words" (y int, z int);
       INSERT INTO "my.app".words VALUES (1); INSERT INTO "my.app"."two.words" VALUES (1, 2);
       CREATE TABLE items AS SELECT 1 AS id, 'public' AS x; CREATE TABLE archive.items AS SELECT 1 AS id, 'archived' AS x;
       CREATE TABLE main.items AS SELECT 1 AS id, 'main' AS x;`,
    );
    await server.psql(
      'crm',
      'CREATE TABLE people (id int, name text); INSERT INTO people VALUES (1, $$Ada$$); CREATE TABLE kinds (x int)',
    );
    await server.psql(
      'postgres',
      "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    await server.psql(
      'latin',
      'CREATE TABLE words (word text); INSERT INTO words VALUES (chr(233) || chr(9) || chr(248))',
    );
    await backUp(server.url('postgres').replace(/\/postgres(?=\?|$)/, '/'), '--name', 'server');
  });
  after(() => server[Symbol.asyncDispose]());

  test('numbers are numbers, and all else is as the server writes it', async () => {
    const sql =
      'SELECT *, typeof(b) AS tb, typeof(g) AS tg, typeof(h) AS th, typeof("l, m") AS tl FROM shop.kinds';
    const [row, other] = await ask('server', sql);
    assert.deepEqual(row, {
      id: 2 ** 63,
      a: 2,
      b: 12.5,
      c: 'NaN',
      d: 1,
      e: "X'00FF'",
      f: 3.1,
      g: 4,
      h: 'tab\tline\n',
      i: '{1,2}',
      j: '{"a": {"b": [1, "x"]}}',
      k: '2026-11-23 01:02:03+00',
      'l, m': '007',
      n: '{1.50}',
      o: '{2.5}',
      ...{ tb: 'real', tg: 'integer', th: 'text', tl: 'text' },
    });
    assert.deepEqual([(other as { d: number }).d, (other as { e: null }).e], [0, null]);
    // A whole number keeps its digits.
    assert.match((await run('query', 'latest:server', sql, '--json')).stdout, /"id":9223372036854775807,/);
    assert.deepEqual(await ask('server', `SELECT id FROM shop.kinds WHERE NOT d OR j->>'$.a.b[1]' = 'y'`), [
      { id: 1 },
    ]);
  });

  test('columns of typed tables and of domains of domains are what they are made of, and infinity is a number', async () => {
    assert.deepEqual(await ask('server', 'SELECT n, x, t FROM typed WHERE n > 9 AND x > 0 ORDER BY n'), [
      { n: 10, x: 'Infinity', t: '8' },
      { n: 11, x: 'NaN', t: '9' },
    ]);
    assert.deepEqual(await ask('server', 'SELECT count(*) AS c FROM typed WHERE x < 0'), [{ c: 1 }]);
    assert.deepEqual(await ask('server', 'SELECT max(n) AS n FROM defaulted'), [{ n: 10 }]);
    assert.deepEqual(await ask('server', 'SELECT max(n) AS n FROM plains'), [{ n: 10 }]);
  });

  test('names are found with and without schema and database, in upper and lower case', async () => {
    assert.deepEqual(await ask('server', 'SELECT * FROM "sales, 2026".orders'), [{ Id: 1, id_2: 'one' }]);
    assert.deepEqual(await ask('server', 'SELECT id_2 FROM "Orders"'), [{ id_2: 'one' }]);
    assert.deepEqual(
      await ask('server', 'SELECT p.name, k.a FROM crm.people AS p JOIN shop.kinds AS k ON k.a = p.id + 1'),
      [{ name: 'Ada', a: 2 }],
    );
    await refused(
      'server',
      'SELECT * FROM twice',
      /"twice" is the name of 2 tables: server\/shop: other\.twice, server\/shop: third\.twice/,
    );
    await refused('server', 'SELECT * FROM kinds', /"kinds" is the name of 2 tables/);
    assert.deepEqual(await ask('server', 'SELECT * FROM other.twice, third.twice'), []);
  });

  test('a name without a schema is not taken for that of another schema in the query', async () => {
    const sql = (from: string): string => `SELECT a.x AS a, b.x AS b FROM ${from}`;
    for (const from of [
      'archive.items a, items b',
      'archive.items a, public.items b',
      '"archive.items" a, items b',
    ])
      assert.deepEqual(await ask('server', sql(from)), [{ a: 'archived', b: 'public' }], from);
    assert.deepEqual(
      await ask('server', 'SELECT count(*) AS n FROM archive.items a, ITEMS b, Archive.Items c'),
      [{ n: 1 }],
    );
    assert.deepEqual(
      await ask('server', 'SELECT count(*) AS n FROM archive.items a JOIN items b USING (id)'),
      [{ n: 1 }],
    );
    await refused('server', 'SELECT 1 FROM other.twice a, twice b', /"twice" is the name of 2 tables/);
    for (const from of ['main.items a, items b', 'items b, main.items a'])
      await refused('server', sql(from), /SQLite has schemas "main" and "temp" of its own/);
    assert.deepEqual(await ask('server', sql('"main.items" a, "public.items" b')), [
      { a: 'main', b: 'public' },
    ]);
  });

  test('a dot may be in the name of a schema, or of a table', async () => {
    assert.deepEqual(
      await ask('server', 'SELECT * FROM "my.app".words JOIN "my.app"."two.words" USING (y)'),
      [{ y: 1, z: 2 }],
    );
  });

  test('text is read in the encoding of its database', async () => {
    assert.deepEqual(await ask('server', "SELECT word FROM words WHERE word LIKE 'é%'"), [{ word: 'é\tø' }]);
    const { stdout } = await run('find', '--source', 'server', '--table', 'words', '--row', 'word=é\tø');
    assert.match(stdout, /public\.words {2}word=é\\tø\n1 row in 1 snapshot/);
  });

  test('a partitioned table is all of its parts, whatever the order of their columns', async () => {
    assert.deepEqual(await ask('server', 'SELECT day, v FROM public.days ORDER BY day'), [
      { day: 1, v: 1.5 },
      { day: 11, v: 2.5 },
    ]);
    assert.deepEqual(await ask('server', 'SELECT a + b AS sum FROM child'), [{ sum: 3 }]);
  });
});

suite('SQL to a snapshot of MariaDB', { skip: skipWithout('mariadb') ?? false }, () => {
  let server: MysqlServer;
  before(async () => {
    server = await startMariadb();
  });
  after(() => server[Symbol.asyncDispose]());

  test('bytes are bytes, bits and decimals numbers', async () => {
    await server.sql(`CREATE DATABASE shop; CREATE TABLE shop.kinds (id bigint unsigned PRIMARY KEY, a bit(10), b decimal(20,4), c varbinary(5), d blob,
      e varchar(20), f double, g year, h json, i datetime(3), j tinyint(1), k text CHARACTER SET latin1, \`l\`\`m\` enum('x','y'), n varchar(20) DEFAULT 'CHARACTER SET sjis', o varchar(9) CHARACTER SET sjis) DEFAULT CHARSET = utf16;
      INSERT INTO shop.kinds VALUES (18446744073709551615, 513, 12.5, '0x41', x'00FF', 'a\\tb\nc', 0.1, 2026, '{"a": [1, 2]}', '2026-11-23 01:02:03.5', 1, 'é€', 'y', 'ø', '日本');`);
    await backUp(server.url('shop'), '--name', 'maria');
    const [row] = await ask('maria', 'SELECT *, typeof(c) AS tc, typeof(b) AS tb FROM shop.kinds');
    assert.deepEqual(row, {
      id: 2 ** 64, // SQLite's whole numbers have 63 bits
      a: 513,
      b: 12.5,
      c: "X'30783431'",
      d: "X'00FF'",
      e: 'a\tb\nc',
      f: 0.1,
      g: 2026,
      h: '{"a": [1, 2]}',
      i: '2026-11-23 01:02:03.500',
      j: 1,
      k: 'é€',
      'l`m': 'y',
      n: 'ø',
      o: '日本',
      ...{ tc: 'blob', tb: 'real' },
    });
    assert.deepEqual(await ask('maria', "SELECT hex(k) AS k FROM kinds WHERE n = 'ø' AND o = '日本'"), [
      { k: 'C3A9E282AC' },
    ]);
  });
});

suite('SQL to a snapshot of MongoDB', { skip: skipWithoutMongodb() ?? false }, () => {
  test('any field of a document is a column', async () => {
    await using server = await startMongodb();
    const orders = server.client.db('shop').collection<{ _id: unknown }>('orders');
    const at = new Date('2026-11-23T01:02:03.004Z');
    await orders.insertMany([
      {
        _id: new ObjectId('6b03a7ab8f0908477c5600b2'),
        status: 'open',
        total: 10.5,
        at,
        who: { city: 'Bern' },
        big: new Long('9007199254740993'),
        price: new Decimal128('1.10'),
        ok: true,
      },
      {
        _id: 2,
        status: null,
        total: 7,
        tags: ['a', 'b'],
        document: 1,
        price: new Decimal128('0.9'),
        'a.b': 5,
      },
    ] as never);
    await server.client.db('shop').collection('people').insertOne({ name: 'Ada', status: 'new' });
    await backUp(server.url('shop'), '--name', 'mongo');
    assert.deepEqual(
      await ask(
        'mongo',
        "SELECT _id, status, total, at, who, who->>'$.city' AS city, big, price, ok, tags FROM orders ORDER BY total",
      ),
      [
        {
          _id: 2,
          status: null,
          total: 7,
          at: null,
          who: null,
          city: null,
          big: null,
          price: 0.9,
          ok: null,
          tags: '["a","b"]',
        },
        {
          _id: '6b03a7ab8f0908477c5600b2',
          status: 'open',
          total: 10.5,
          at: '2026-11-23T01:02:03.004Z',
          who: '{"city":"Bern"}',
          city: 'Bern',
          big: 2 ** 53,
          price: 1.1,
          ok: 1,
          tags: null,
        },
      ],
    );
    assert.deepEqual(
      await ask(
        'mongo',
        "SELECT big || '' AS big, document->>'$.big' || '' AS whole FROM orders WHERE big = 9007199254740993",
      ),
      [{ big: '9007199254740993', whole: '9007199254740993' }],
    );
    assert.deepEqual(
      await ask(
        'mongo',
        `SELECT o.status, p.status AS s, json_array_length(o.document, '$.tags') AS n FROM shop.orders o, people p WHERE o.tags IS NOT NULL`,
      ),
      [{ status: null, s: 'new', n: 2 }],
    );
    assert.deepEqual(
      await ask(
        'mongo',
        'SELECT o.total FROM orders o LEFT JOIN people p USING (status) WHERE p._id IS NULL ORDER BY o.total',
      ),
      [{ total: 7 }, { total: 10.5 }],
    );
    await server.client
      .db('shop')
      .collection('born')
      .insertMany([
        { _id: 1, at: new Date('1961-02-03T04:05:06.500Z') },
        { _id: 2, at: new Date('1961-02-03T04:05:06Z') },
        { _id: 3, at: new Date('2001-02-03T04:05:06.5Z') },
        { _id: 4, at: new Date('2001-02-03T04:05:06Z') },
      ] as never);
    await backUp(server.url('shop'), '--name', 'born');
    assert.deepEqual(
      await ask('born', 'SELECT _id FROM born ORDER BY at'),
      [2, 1, 4, 3].map((_id) => ({ _id })),
    );
    const mixed = 'SELECT count(*) AS n FROM customers c JOIN m.people p ON p.name = c.name';
    const misspelt = await run('query', 'latest:mongo', 'SELECT count(statsu) AS n FROM orders');
    assert.deepEqual([misspelt.status, misspelt.stdout], [0, 'n\n0\n(1 row)\n']);
    assert.match(misspelt.stderr, /no document of orders has a field "statsu"/);
    assert.deepEqual(await ask('mongo', 'SELECT max(price) AS p, sum(price > 1) AS n FROM orders'), [
      { p: 1.1, n: 1 },
    ]);
    assert.deepEqual(await ask('mongo', 'SELECT max("a.b") AS a, max(o."a.b") AS b FROM orders o'), [
      { a: 5, b: 5 },
    ]);
    assert.equal(
      (await run('query', 'latest:shop', '--with', 'm=latest:mongo', mixed)).stdout,
      'n\n1\n(1 row)\n',
    );
    const other = 'SELECT count(o.statsu) AS n FROM m.orders o, customers c';
    assert.match(
      (await run('query', 'latest:shop', '--with', 'm=latest:mongo', other)).stderr,
      /no document of m\.orders has a field "statsu"/,
    );
    // To SQL it is the field of the inner table that is meant.
    const taken = await run(
      'query',
      'latest:mongo',
      'SELECT (SELECT count(*) FROM orders WHERE _id = name) AS n FROM people',
    );
    assert.match(taken.stderr, /no document of orders has a field "name"/);
  });
});

suite('SQL to a snapshot of CouchDB', { skip: (await skipWithoutCouch()) ?? false }, () => {
  test('a database is the table of its documents', async () => {
    await using server = await startCouch();
    await server.ask('PUT', '/plants');
    await putRevisions(server, 'plants', [
      { ...revision('kelp', 'bb', 'aa'), height: 3, parts: ['leaf'] },
      { ...revision('moss', 'cc'), height: 1 },
      { ...revision('gone', 'dd', 'cc'), _deleted: true },
    ]);
    await backUp(server.url('plants'), '--name', 'couch');
    assert.deepEqual(
      await ask(
        'couch',
        'SELECT _id, _rev, height, parts FROM plants WHERE _deleted IS NULL ORDER BY height',
      ),
      [
        { _id: 'moss', _rev: '1-cc', height: 1, parts: null },
        { _id: 'kelp', _rev: '2-bb', height: 3, parts: '["leaf"]' },
      ],
    );
    await server.ask('PUT', '/whole');
    await putRevisions(server, 'whole', [revision('kelp', 'bb')]);
    await backUp(server.url('whole'), '--name', 'whole');
    assert.deepEqual(await ask('whole', 'SELECT _id FROM whole WHERE _deleted IS NULL'), [{ _id: 'kelp' }]);
    assert.deepEqual(
      await ask('couch', "SELECT count(*) AS n FROM documents WHERE document->>'$._revisions.start' = 2"),
      [{ n: 2 }],
    );
  });
});
