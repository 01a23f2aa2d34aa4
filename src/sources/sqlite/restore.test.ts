import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import type { HoldfastError } from '#lib/errors.ts';
import { skipWithoutSmallDisk, smallDisk } from '../../../test/tools/small-disk.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { type CapturedEntry, edited } from '../testing.ts';
import {
  contentsOf,
  databasesIn,
  dump,
  everythingSql,
  execute,
  only,
  openSqlite,
  query,
  refused,
  restore,
} from './testing.ts';

const folder = temporaryFolder('sqlite-restore');
const { database, newPath } = databasesIn(folder);

const shop = `PRAGMA user_version=7;
  CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name);
  CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, customer REFERENCES customers(id), before REFERENCES orders(id), total);
  CREATE TABLE log(note);
  CREATE INDEX orders_by_customer ON orders(customer); CREATE UNIQUE INDEX main.by_total ON orders(total);
  CREATE TRIGGER logged AFTER INSERT ON orders BEGIN INSERT INTO log SELECT 'order ' || count(*) FROM orders; END;
  CREATE TRIGGER named AFTER INSERT ON customers BEGIN INSERT INTO log VALUES(new.name); END;
  CREATE VIEW big AS SELECT * FROM orders WHERE total > 10; CREATE VIEW stale AS SELECT * FROM gone;
  INSERT INTO customers(name) VALUES('Ada'), ('Bob'); INSERT INTO orders(customer, total) VALUES(1, 5), (2, 50), (9, 500);
  DELETE FROM orders WHERE id = 3; DELETE FROM log`;

test('a trigger comes back that writes the name of its table in another case', async () => {
  const sql = `CREATE TABLE NODES(id); CREATE TABLE log(note); CREATE VIEW Latest AS SELECT max(id) AS id FROM nodes;
    CREATE TRIGGER noted AFTER INSERT ON nodes BEGIN INSERT INTO log VALUES(new.id); END;
    CREATE TRIGGER added INSTEAD OF INSERT ON latest BEGIN INSERT INTO nodes VALUES(new.id); END`;
  const entries = await dump(database(sql));
  const whole = newPath();
  await restore(whole, entries);
  execute(whole, 'INSERT INTO latest VALUES(7)');
  assert.deepEqual(query(whole, 'SELECT note FROM log'), [[7n]]);
  const rename = [['NODES', 'old']] as const;
  await restore(whole, only(entries, 'NODES'), { force: true, rename });
  execute(whole, 'INSERT INTO old VALUES(8)');
  assert.deepEqual(query(whole, 'SELECT note FROM log'), [[7n], [8n]]);
});

test('views and triggers on them stay as they are when the only table there is comes, also beside itself', async () => {
  const path = database(`CREATE TABLE orders(id INTEGER PRIMARY KEY); INSERT INTO orders VALUES(1);
    CREATE VIEW big AS SELECT id FROM orders; CREATE VIRTUAL TABLE pages USING dbstat; CREATE VIEW stale AS SELECT gone FROM orders;
    CREATE TRIGGER added INSTEAD OF INSERT ON big BEGIN INSERT INTO orders VALUES(new.id); END`);
  const entries = await dump(path);
  execute(path, 'INSERT INTO orders VALUES(2)');
  const views = "SELECT * FROM sqlite_schema WHERE tbl_name <> 'orders_old'";
  const before = query(path, views);
  await restore(path, entries, { force: true, rename: [['orders', 'orders_old']] });
  assert.deepEqual(query(path, views), before);
  assert.deepEqual(query(path, 'SELECT count(*) FROM big, orders_old'), [[2n]]);
  execute(path, 'DROP TABLE orders_old; DROP VIEW big; CREATE VIEW big AS SELECT id AS newer FROM orders');
  const newer = query(path, views);
  await restore(path, entries, { force: true, selection: ['data/orders/0000.sql'] });
  assert.deepEqual(query(path, views).toSorted(), newer.toSorted());
  assert.deepEqual(query(path, 'SELECT newer FROM big'), [[1n]]);
});

test('a table whose triggers keep search indexes up to date comes beside itself', async () => {
  const path = database(`CREATE TABLE docs(id INTEGER PRIMARY KEY, body, x); CREATE TABLE log(note);
    CREATE VIRTUAL TABLE found USING fts5(body, content=docs, content_rowid=id); CREATE VIRTUAL TABLE older USING fts4(body);
    CREATE VIRTUAL TABLE places USING rtree(id, x0, x1);
    CREATE TRIGGER docs_found AFTER INSERT ON docs BEGIN INSERT INTO found(rowid, body) VALUES(new.id, new.body); END;
    CREATE TRIGGER docs_older AFTER INSERT ON docs BEGIN INSERT INTO older(docid, body) VALUES(new.id, new.body); END;
    CREATE TRIGGER docs_places AFTER INSERT ON docs BEGIN INSERT INTO places VALUES(new.id, new.x, new.x); END;
    INSERT INTO docs VALUES(1, 'kelp', 5)`);
  const rename = [['docs', 'docs_old']] as const;
  const report = await restore(path, only(await dump(path), 'docs'), { force: true, rename });
  assert.deepEqual(report.failures, []);
  assert.deepEqual(query(path, 'SELECT body FROM docs_old'), [['kelp']]);
  execute(path, "INSERT INTO docs_old VALUES(2, 'rock', 7)");
  assert.deepEqual(query(path, "SELECT rowid FROM found('rock')"), [[2n]]);
  assert.deepEqual(query(path, 'SELECT id FROM places'), [[1n], [2n]]);
});

suite('one table', () => {
  test('comes alone into a new file, with its indexes, triggers and counter', async () => {
    const path = newPath();
    const report = await restore(path, only(await dump(database(shop)), 'orders'));
    assert.deepEqual(report.failures, []);
    assert.match(report.warnings.join(), /2 rows of orders refer to rows of customers that are not there/);
    assert.deepEqual(query(path, 'SELECT id, total FROM orders'), [
      [1n, 5n],
      [2n, 50n],
    ]);
    assert.deepEqual(
      query(path, "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY 1").flat(),
      ['by_total', 'logged', 'orders', 'orders_by_customer'],
    );
    assert.deepEqual(query(path, 'SELECT * FROM sqlite_sequence'), [['orders', 3n]]);
    assert.deepEqual(query(path, 'PRAGMA user_version'), [[7n]]);
  });

  test('comes beside itself under another name, and what belongs to it with it', async () => {
    const path = database(shop);
    const entries = await dump(path);
    execute(path, 'UPDATE orders SET total = -id');
    const rename = [['orders', 'orders_old']] as const;
    const report = await restore(path, only(entries, 'orders'), { force: true, rename });
    assert.deepEqual(report.failures, []);
    assert.deepEqual(query(path, 'SELECT total FROM orders_old'), [[5n], [50n]]);
    assert.deepEqual(query(path, 'SELECT total FROM orders ORDER BY id'), [[-1n], [-2n]]);
    const [[table]] = query(path, "SELECT sql FROM sqlite_schema WHERE name = 'orders_old'") as [[string]];
    assert.match(table, /CREATE TABLE "orders_old".* REFERENCES "orders_old"\(id\)/);
    assert.deepEqual(
      query(
        path,
        "SELECT name FROM sqlite_schema WHERE tbl_name = 'orders_old' AND type <> 'table' ORDER BY 1",
      ).flat(),
      ['by_total_orders_old', 'logged_orders_old', 'orders_old_by_customer'],
    );
    execute(path, 'INSERT INTO orders_old(customer, total) VALUES(1, 1)');
    assert.deepEqual(query(path, 'SELECT note FROM log'), [['order 3']]);
    assert.deepEqual(query(path, 'SELECT max(id) FROM orders_old'), [[4n]]);
    assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
  });

  test('takes the place of its like by force, and nothing else changes', async () => {
    const path = database(`PRAGMA journal_mode=WAL; ${shop}`);
    const entries = await dump(path);
    execute(
      path,
      "DELETE FROM orders; UPDATE customers SET name = 'changed'; PRAGMA user_version=8; DROP INDEX by_total",
    );
    const report = await restore(path, only(entries, 'orders'), { force: true });
    assert.deepEqual([report.failures, report.warnings], [[], []]);
    assert.deepEqual(query(path, 'SELECT total FROM orders'), [[5n], [50n]]);
    assert.deepEqual(query(path, 'SELECT DISTINCT name FROM customers'), [['changed']]);
    assert.deepEqual(query(path, 'PRAGMA user_version'), [[8n]]);
    assert.deepEqual(query(path, "SELECT count(*) FROM sqlite_schema WHERE name IN ('by_total', 'big')"), [
      [2n],
    ]);
  });

  test('of full-text search comes with all it keeps, and not without', async () => {
    const entries = await dump(database(everythingSql));
    const path = newPath();
    assert.deepEqual((await restore(path, only(entries, 'docs'))).failures, []);
    assert.deepEqual(query(path, "SELECT title FROM docs('holds') ORDER BY rank, title"), [
      ['limpet'],
      ['kelp'],
    ]);
    const part = only(entries, 'docs').filter((entry) => !entry.path.endsWith('docs_idx.sql'));
    await refused(restore(newPath(), part), 'TARGET_FAILED', /docs came without data\/docs\/docs_idx.sql/);
    // into a database where it is already
    execute(path, 'DELETE FROM docs');
    await restore(path, only(entries, 'docs'), { force: true });
    assert.deepEqual(query(path, "SELECT count(*) FROM docs('holds')"), [[2n]]);
    assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
  });

  test('cannot be renamed when it is not there, not chosen, or virtual', async () => {
    const entries = await dump(database(everythingSql));
    const renamed = (from: string) => restore(newPath(), only(entries, 'docs'), { rename: [[from, 'x']] });
    await refused(renamed('nothing'), 'USAGE', /no table nothing to rename/);
    await refused(renamed('customers'), 'USAGE', /not among what is restored/);
    await refused(renamed('docs'), 'UNSUPPORTED', /virtual table/);
    await refused(renamed('docs_data'), 'UNSUPPORTED', /virtual table/);
  });
});

suite('a whole database', () => {
  test('takes the place of another one’s tables by force', async () => {
    const path = database(shop);
    const entries = await dump(path);
    execute(
      path,
      'DELETE FROM orders; DROP VIEW big; CREATE VIEW big AS SELECT 1; CREATE TABLE more(a); DROP TABLE log',
    );
    assert.deepEqual((await restore(path, entries, { force: true })).failures, []);
    const original = contentsOf(database(shop)) as { rows: Record<string, unknown> };
    const restored = contentsOf(path) as { rows: Record<string, unknown> };
    assert.deepEqual(restored.rows, { ...original.rows, more: [] });
    assert.match(
      JSON.stringify(query(path, "SELECT sql FROM sqlite_schema WHERE name = 'big'")),
      /FROM orders/,
    );
  });

  test('comes into a file that is there but empty, readable by its owner only', async () => {
    const path = newPath();
    writeFileSync(path, '');
    await restore(path, await dump(database(shop)));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(query(path, 'SELECT count(*) FROM orders'), [[2n]]);
  });

  test('without a table that could not be dumped it is told, and the table is there without rows', async () => {
    const entries = (await dump(database(shop))).filter(({ path }) => !path.startsWith('data/log/'));
    const partial = edited(entries, 'manifest.json', (text) => {
      const manifest = JSON.parse(text);
      const tables = manifest.tables.filter(({ name }: { name: string }) => name !== 'log');
      return JSON.stringify({ ...manifest, tables, missing: [{ name: 'log', reason: 'damaged' }] });
    });
    const path = newPath();
    const { warnings } = await restore(path, partial);
    assert.ok(warnings.includes('log is not in the snapshot: damaged'), warnings.join());
    assert.deepEqual(query(path, 'SELECT count(*) FROM log'), [[0n]]);
    assert.deepEqual(query(path, 'SELECT count(*) FROM customers'), [[2n]]);
  });

  test('without a part of a virtual table is restored without that table', async () => {
    const entries = (await dump(database(everythingSql))).filter(
      ({ path }) => !path.endsWith('docs_idx.sql'),
    );
    const partial = edited(entries, 'manifest.json', (text) => {
      const manifest = JSON.parse(text);
      const tables = manifest.tables.filter(({ name }: { name: string }) => name !== 'docs');
      return JSON.stringify({ ...manifest, tables, missing: [{ name: 'docs', reason: 'damaged' }] });
    });
    for (const path of [newPath(), database('CREATE TABLE docs_data(mine)')]) {
      const { warnings } = await restore(path, partial, { force: true });
      assert.ok(warnings.includes('docs is not in the snapshot: damaged'), warnings.join());
      assert.deepEqual(query(path, "SELECT name FROM sqlite_schema WHERE name GLOB 'docs*'"), [
        ['docs_other'],
      ]);
      assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
    }
  });

  test('whose definitions need what only the application has is restored without them, each named', async () => {
    const path =
      database(`${shop}; CREATE TABLE sorted(a); CREATE INDEX by_b ON customers(name); INSERT INTO sorted VALUES(1);
      PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(replace(sql, '(a)', '(a COLLATE icu)'), '(name)', '(name COLLATE icu)')
      WHERE name IN ('sorted', 'by_b')`);
    const entries = await dump(path);
    await using source = await openSqlite(path);
    assert.deepEqual(
      (await source.check())
        .filter(({ message }) => /restore it/.test(message))
        .map(({ subject }) => subject),
      [`${path}: table sorted`, `${path}: index by_b`],
    );
    const copy = newPath();
    const { failures } = await restore(copy, entries);
    assert.deepEqual(
      failures.map((failure) => failure.path),
      ['data/sorted/0000.sql', 'finish.sql'],
    );
    assert.deepEqual(query(copy, 'SELECT count(*) FROM customers'), [[2n]]);
    assert.deepEqual((await restore(newPath(), only(entries, 'orders'))).failures, []);
    const beside = restore(copy, only(entries, 'sorted'), {
      force: true,
      rename: [['sorted', 'sorted_old']],
    });
    await refused(beside, 'TARGET_FAILED', /table sorted cannot be made: no such collation sequence: icu/);
  });

  test('comes back when a search index differs from its text, as it may where the application keeps the two alike', async () => {
    const path = database(
      `CREATE TABLE pages(id INTEGER PRIMARY KEY, body); INSERT INTO pages VALUES(1, 'kelp');
       CREATE VIRTUAL TABLE words USING fts4(content="pages", body); INSERT INTO words(words) VALUES('rebuild');
       UPDATE pages SET body = 'rock'`,
    );
    const copy = newPath();
    const { failures, warnings } = await restore(copy, await dump(path));
    assert.deepEqual(
      [failures, warnings],
      [[], ['virtual table words: malformed inverted index for FTS4 table main.words']],
    );
    assert.deepEqual(query(copy, "SELECT docid FROM words WHERE words MATCH 'kelp'"), [[1n]]);
  });

  test('comes back with search and box indexes that are damaged, as they were', async () => {
    const path = database(
      `CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs VALUES('kelp'), ('rock');
       CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES(1, 0, 1), (2, 5, 6);
       DELETE FROM docs_idx; UPDATE docs_data SET block = x'00' WHERE id > 10; DELETE FROM boxes_rowid WHERE rowid = 2;
       CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1)`,
    );
    const copy = newPath();
    const { failures, warnings = [] } = await restore(copy, await dump(path));
    assert.deepEqual(failures, []);
    assert.match(warnings.join('; '), /virtual table boxes: In RTree main.boxes/);
    assert.match(warnings.join('; '), /virtual table docs: /);
    assert.deepEqual(contentsOf(copy).rows, contentsOf(path).rows);
  });

  test('comes back in UTF-16, also when all it has is a virtual table that keeps nothing', async () => {
    for (const sql of ['', 'CREATE VIRTUAL TABLE pages USING dbstat']) {
      const path = database(`PRAGMA encoding='UTF-16be'; CREATE TABLE t(a); DROP TABLE t; ${sql}`);
      const copy = newPath();
      await restore(copy, await dump(path));
      const { settings, schema } = contentsOf(path);
      assert.deepEqual({ ...contentsOf(copy), rows: {} }, { settings, schema, rows: {} });
    }
  });

  test('comes back with statistics that have no rowids', async () => {
    const path = database(
      `PRAGMA writable_schema=ON; CREATE TABLE sqlite_stat1(tbl PRIMARY KEY, idx, stat) WITHOUT ROWID;
       INSERT INTO sqlite_stat1 VALUES('t', 'i', '1 1'); CREATE TABLE t(a)`,
    );
    const copy = newPath();
    await restore(copy, await dump(path));
    assert.deepEqual(contentsOf(copy), contentsOf(path));
  });
});

suite('a target', () => {
  test('with tables is refused without force, and left alone', async () => {
    const path = database(shop);
    const before = readFileSync(path);
    await refused(restore(path, await dump(path)), 'TARGET_NOT_EMPTY', /is a database with tables/);
    assert.deepEqual(readFileSync(path), before);
  });

  test('takes a table under a free name without force, and one that is there only with it', async () => {
    const path = database(`${shop}; CREATE VIRTUAL TABLE found USING fts5(body)`);
    const entries = await dump(path);
    const orders = { selection: ['data/orders/0000.sql'] };
    const before = contentsOf(path);
    await refused(restore(path, only(entries, 'orders'), orders), 'TARGET_NOT_EMPTY', /has a table orders$/);
    const found = only(entries, 'found');
    const pages = { selection: ['data/found'] };
    await refused(restore(path, found, pages), 'TARGET_NOT_EMPTY', /has a table found$/);
    const onView = { ...orders, rename: [['orders', 'BIG']] as const };
    await refused(restore(path, only(entries, 'orders'), onView), 'TARGET_NOT_EMPTY', /has a view big$/);
    assert.deepEqual(contentsOf(path), before);
    await restore(path, only(entries, 'orders'), { ...orders, rename: [['orders', 'orders_old']] });
    assert.deepEqual(query(path, 'SELECT total FROM orders_old'), [[5n], [50n]]);
    execute(path, 'DROP TABLE found');
    await restore(path, found, pages);
    assert.deepEqual(query(path, 'SELECT count(*) FROM found'), [[0n]]);
  });

  test('that is something else is refused even with force', async () => {
    const path = newPath();
    writeFileSync(path, 'a letter to my mother'.repeat(100));
    const entries = await dump(database(shop));
    await refused(restore(path, entries, { force: true }), 'TARGET_NOT_EMPTY', /is not a SQLite database/);
  });

  test('beside which another database’s -wal lies is refused', async () => {
    const path = newPath();
    writeFileSync(`${path}-wal`, 'pages');
    await refused(restore(path, await dump(database(shop))), 'TARGET_NOT_EMPTY', /-wal or -journal/);
    assert.ok(!existsSync(path));
  });

  test('in another encoding is refused', async () => {
    const path = database("PRAGMA encoding='UTF-16le'; CREATE TABLE t(a)");
    await refused(restore(path, await dump(database(shop)), { force: true }), 'UNSUPPORTED', /UTF-16le/);
  });

  test('that stays locked is given up on, unchanged', async () => {
    const path = database(shop);
    const entries = await dump(path);
    using writer = new DatabaseSync(path);
    writer.exec("BEGIN IMMEDIATE; UPDATE customers SET name = 'mine'");
    await refused(
      restore(path, only(entries, 'log'), { force: true }, { busyTimeoutSeconds: 3 }),
      'TARGET_FAILED',
      /stayed locked for 3 s/,
    );
    writer.exec('COMMIT');
  });

  test('in a folder that is not there is refused, and no folder made', async () => {
    const path = join(folder, 'no/such/folder.db');
    await refused(restore(path, await dump(database(shop))), 'TARGET_FAILED', /cannot be made/);
    assert.ok(!existsSync(dirname(path)));
  });

  test('at a path that leads in a circle is refused', async () => {
    const path = join(folder, 'circle.db');
    symlinkSync(path, path);
    await refused(restore(path, await dump(database(shop))), 'TARGET_FAILED', /cannot be made: ELOOP/);
  });

  test('on a full disk is named, with what to do, and left as it was', {
    skip: skipWithoutSmallDisk(),
  }, async () => {
    using disk = smallDisk(join(folder, 'small'), 'size=512k');
    const entries = await dump(database('CREATE TABLE big(a); INSERT INTO big VALUES(zeroblob(900000))'));
    const anew = join(disk.path, 'anew.db');
    const inUse = join(disk.path, 'in-use.db');
    execute(inUse, shop);
    const before = contentsOf(inUse);
    for (const [path, force] of [
      [anew, false],
      [inUse, true],
    ] as const)
      await assert.rejects(restore(path, entries, { force }), ({ code, message, hint }: HoldfastError) => {
        assert.deepEqual(
          [code, message],
          ['TARGET_FAILED', `cannot write more into ${path}: database or disk is full`],
        );
        assert.match(String(hint), /make room/);
        return true;
      });
    assert.deepEqual(contentsOf(inUse), before);
    assert.deepEqual(readdirSync(disk.path), ['in-use.db']);
  });

  test('gets rid of what an interrupted restore left', async () => {
    const path = newPath();
    writeFileSync(`${path}.holdfast-partial`, 'half a database');
    await restore(path, await dump(database(shop)));
    assert.deepEqual(leftAt(path), [basename(path)]);
  });
});

/** The names of the file and of those that lie beside it. */
const leftAt = (path: string): string[] =>
  readdirSync(folder).filter((name) => name.startsWith(basename(path)));

suite('damage on the way is refused, and the target left as it was', () => {
  const table = 'data/orders/0000.sql';
  const damages: Record<string, (text: string) => string> = {
    'a row is lost': (text) => text.slice(text.indexOf('\n') + 1),
    'a row comes twice': (text) => text + text.slice(0, text.indexOf('\n') + 1),
    'a value is changed': (text) => text.replace(',50)', ',51)'),
    'all rows are lost': () => '',
    'the last newline is lost': (text) => text.slice(0, -1),
    'a row is cut': (text) => text.slice(0, -10),
    'the first row is cut': (text) => text.slice(0, 20),
    'half a long row is lost': (text) =>
      `${text.slice(0, text.indexOf('VALUES(') + 7)}'${'x'.repeat(3_000_000)}`,
    'rows are of another table': (text) => text.replaceAll('"orders"', '"customers"'),
    'rows are not SQL': (text) => text.replaceAll('INSERT', 'INVENT'),
  };
  for (const [name, change] of Object.entries(damages))
    test(name, async () => {
      const entries = edited(await dump(database(shop)), table, change);
      const path = newPath();
      await refused(restore(path, entries), 'TARGET_FAILED', /orders/);
      assert.deepEqual(leftAt(path), []);
      const inUse = database(shop);
      const before = contentsOf(inUse);
      await refused(restore(inUse, entries, { force: true }), 'TARGET_FAILED', /orders/);
      assert.deepEqual(contentsOf(inUse), before);
    });

  for (const lost of ['create.sql', 'finish.sql', 'manifest.json'])
    test(`${lost} is lost`, async () => {
      const entries = (await dump(database(shop))).filter(({ path }) => path !== lost);
      const path = newPath();
      await refused(restore(path, entries), 'TARGET_FAILED', new RegExp(`${lost} did not come`));
      assert.deepEqual(leftAt(path), []);
    });

  test('the snapshot is of something else', async () => {
    const photo: CapturedEntry = { path: 'photo.jpg', type: 'file', meta: {}, content: Buffer.from('x') };
    await refused(restore(newPath(), [photo]), 'TARGET_FAILED', /photo.jpg is no part of a SQLite database/);
  });
});
