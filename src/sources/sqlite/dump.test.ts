import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import { type CapturedEntry, contentOf } from '../testing.ts';
import { databasesIn, execute, openSqlite, query } from './testing.ts';

const folder = temporaryFolder('sqlite-dump');
const { database } = databasesIn(folder);

const dump = async (path: string, config: Record<string, unknown> = {}): Promise<CapturedEntry[]> => {
  await using source = await openSqlite(path, config);
  const entries: CapturedEntry[] = [];
  for await (const { path, type, meta, failed, ...entry } of source.dump()) {
    const common = { path, type, meta, ...(failed && { failed }) };
    try {
      const content = await contentOf({ ...common, ...entry });
      entries.push(content ? { ...common, content } : common);
    } catch (error) {
      entries.push({ ...common, failed: error as Error });
    }
  }
  return entries;
};

const paths = (entries: readonly CapturedEntry[]): string[] => entries.map(({ path }) => path);
const text = (entries: readonly CapturedEntry[], path: string): string =>
  String(entries.find((entry) => entry.path === path)?.content);
const manifest = (entries: readonly CapturedEntry[]): Manifest =>
  manifestSchema.parse(JSON.parse(text(entries, 'manifest.json')));

suite('what is taken', () => {
  const shop = `CREATE TABLE Orders(id INTEGER PRIMARY KEY); CREATE TABLE log_1(a); CREATE TABLE log_2(a);
    CREATE VIRTUAL TABLE docs USING fts5(a); CREATE INDEX by_a ON log_1(a); CREATE VIEW v AS SELECT 1;
    CREATE TRIGGER t AFTER INSERT ON log_2 BEGIN SELECT 1; END;`;

  test('tables come in the order of their paths, between what makes them and what finishes them', async () => {
    const docs = ['config', 'content', 'data', 'docsize', 'idx'].map((each) => `data/docs/docs_${each}.sql`);
    assert.deepEqual(paths(await dump(database(shop))), [
      'create.sql',
      'data/Orders/0000.sql',
      ...docs,
      'data/log_1/0000.sql',
      'data/log_2/0000.sql',
      'finish.sql',
      'manifest.json',
    ]);
  });

  test('tables and views can be chosen by patterns; indexes, triggers and shadow tables follow', async () => {
    const entries = await dump(database(shop), { tables: ['ORDERS', 'log_*'], exclude: 'log_2' });
    assert.deepEqual(paths(entries).slice(1, -2), ['data/Orders/0000.sql', 'data/log_1/0000.sql']);
    assert.match(text(entries, 'finish.sql'), /CREATE INDEX by_a/);
    assert.doesNotMatch(text(entries, 'create.sql') + text(entries, 'finish.sql'), /log_2|docs|VIEW/);
    const virtual = await dump(database(shop), { tables: 'docs' });
    assert.equal(paths(virtual).filter((path) => path.startsWith('data/docs/docs_')).length, 5);
  });

  test('a pattern that fits nothing is a table that is missing', async () => {
    const entries = await dump(database(shop), { tables: ['Orders', 'lost'] });
    const lost = entries.find(({ path }) => path === 'data/lost/0000.sql');
    assert.ok(hasCode(lost?.failed, 'ITEM_UNREADABLE'));
    assert.deepEqual(manifest(entries).missing, [
      { name: 'lost', reason: 'no table or view has such a name' },
    ]);
  });

  test('a table whose name cannot stand in one line is missing, and said to be', async () => {
    const entries = await dump(database('CREATE TABLE "a\nb"(a); CREATE TABLE c("x\ny"); CREATE TABLE d(a)'));
    assert.deepEqual(
      manifest(entries).missing.map(({ name }) => name),
      ['a\nb', 'c'],
    );
    assert.equal(entries.filter(({ failed }) => failed).length, 2);
  });

  test('the manifest says where in its history the database was', async () => {
    const { position, engine, tables } = manifest(
      await dump(database('CREATE TABLE t(a); PRAGMA user_version=3')),
    );
    assert.equal(engine, 'sqlite');
    assert.equal(position.user_version, '3');
    assert.equal(position.journal_mode, 'delete');
    assert.deepEqual(tables[0]?.rows, 0);
  });
});

suite('rows', () => {
  test('unchanged rows keep their lines when others change', async () => {
    const path = database('CREATE TABLE t(k TEXT PRIMARY KEY, v)');
    execute(path, `INSERT INTO t SELECT value, value || ' of a thousand' FROM ${series(1000)}`);
    const before = text(await dump(path), 'data/t/0000.sql').split('\n');
    execute(
      path,
      "UPDATE t SET v = 'changed' WHERE k = '500'; DELETE FROM t WHERE k = '700'; INSERT INTO t VALUES('new', 1)",
    );
    const after = text(await dump(path), 'data/t/0000.sql').split('\n');
    assert.deepEqual(
      after.filter((line) => !before.includes(line)),
      [
        'INSERT INTO "t"(rowid,"k","v") VALUES(500,\'500\',\'changed\');',
        'INSERT INTO "t"(rowid,"k","v") VALUES(1001,\'new\',1);',
      ],
    );
  });

  test('a value that needs care changes nothing in the lines around it', async () => {
    const path = database('CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)');
    execute(
      path,
      `INSERT INTO t SELECT value, 'text ' || value || char(10) || 'it''s', value / 3.0 FROM ${series(100)}`,
    );
    const plain = text(await dump(path), 'data/t/0000.sql').split('\n');
    for (const awkward of ["CAST(x'ff' AS TEXT)", "'a' || char(0)", 'char(65533)', 'zeroblob(9000000)']) {
      execute(path, `UPDATE t SET a = ${awkward} WHERE id = 50`);
      const lines = text(await dump(path), 'data/t/0000.sql').split('\n');
      assert.deepEqual(lines.toSpliced(49, 1), plain.toSpliced(49, 1), awkward);
      assert.notEqual(lines[49], plain[49]);
    }
  });

  test('a table of two thousand columns is dumped', async () => {
    const columns = Array.from({ length: 2000 }, (_, at) => `c${at}`);
    const path = database(`CREATE TABLE t(${columns.join(',')}); INSERT INTO t(c1999) VALUES('last')`);
    assert.match(text(await dump(path), 'data/t/0000.sql'), /NULL,'last'\);\n$/);
  });

  test('a damaged table is an item that failed, and the others are there', async () => {
    const path = database(`CREATE TABLE good(a); INSERT INTO good VALUES(1);
      CREATE TABLE bad(a); INSERT INTO bad SELECT hex(zeroblob(500)) FROM ${series(100)}`);
    damage(path, 'bad');
    for (const quickCheck of [true, false]) {
      const entries = await dump(path, { quickCheck });
      assert.deepEqual(
        entries.filter(({ failed }) => failed).map(({ path }) => path),
        ['data/bad/0000.sql'],
      );
      assert.match(String(entries.find(({ failed }) => failed)?.failed), /table bad cannot be read/);
      const { tables, missing } = manifest(entries);
      assert.deepEqual(
        [tables.map(({ name }) => name), missing.map(({ name }) => name)],
        [['good'], ['bad']],
      );
    }
  });

  test('a damaged schema fails the whole dump', async () => {
    const path = database('CREATE TABLE t(a)');
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(60, 0xee), 0, 60, 100);
    closeSync(file);
    await assert.rejects(
      dump(path),
      (error) => hasCode(error, 'SOURCE_UNREACHABLE') && /is damaged/.test(error.message),
    );
  });

  test('a table with more or fewer rows than an index is missing, and its index may be made anew', async () => {
    const path = database(
      `CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE a > 1; INSERT INTO t VALUES(1), (2);
       PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a)' WHERE name = 'i'`,
    );
    const failed = (await dump(path)).find((entry) => entry.path === 'data/t/0000.sql')?.failed;
    assert.match(String(failed), /wrong # of entries in index i/);
    assert.match(failed instanceof HoldfastError ? String(failed.hint) : '', /REINDEX/);
    execute(path, 'REINDEX');
    assert.match(text(await dump(path), 'data/t/0000.sql'), /VALUES\(1,1\)/);
  });

  test('a definition that SQLite does not understand is named', async () => {
    const path = database('CREATE TABLE t(a); CREATE VIEW v AS SELECT 1');
    using db = new DatabaseSync(path, { defensive: false });
    db.exec(
      "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE VIEW v AS SELEC 1' WHERE name = 'v'",
    );
    await assert.rejects(
      dump(path),
      /cannot be read: malformed database schema \(v\) - near "SELEC": syntax error/,
    );
  });

  test('a table in the order of a collation that is not there is missing, and not called damaged', async () => {
    const path = database('CREATE TABLE t(a PRIMARY KEY) WITHOUT ROWID; CREATE TABLE good(a)');
    using db = new DatabaseSync(path, { defensive: false });
    db.exec(
      "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, 'a P', 'a COLLATE own P')",
    );
    await using source = await openSqlite(path);
    await assert.rejects(
      async () => {
        for await (const entry of source.dump()) await Array.fromAsync(entry.content?.() ?? []);
      },
      (error) => hasCode(error, 'ITEM_UNREADABLE') && /function or collation/.test(error.hint ?? ''),
    );
  });

  test('damage in what a virtual table keeps is damage of the virtual table', async () => {
    const path = database("CREATE VIRTUAL TABLE docs USING fts5(a); INSERT INTO docs VALUES('x')");
    damage(path, 'docs_content');
    const { tables, missing } = manifest(await dump(path));
    assert.deepEqual([tables, missing.map(({ name }) => name)], [[], ['docs']]);
  });

  test('rows that only break a rule of the schema are dumped', async () => {
    const path = database(
      'PRAGMA ignore_check_constraints=ON; CREATE TABLE t(a CHECK(a > 0)); INSERT INTO t VALUES(-1)',
    );
    assert.match(text(await dump(path), 'data/t/0000.sql'), /-1/);
  });
});

suite('while others write', () => {
  test('a dump of a WAL database is one state of it, and writers go on', async () => {
    const path =
      database(`PRAGMA journal_mode=WAL; CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER, filler);
      INSERT INTO accounts SELECT value, 100, hex(zeroblob(200)) FROM ${series(4000)}; CREATE TABLE transfers(id INTEGER PRIMARY KEY, amount)`);
    const writer = new Worker(transferring, { eval: true, workerData: path });
    const commits = async (count: number): Promise<void> => {
      for (let seen = 0; seen < count; seen += 1) await once(writer, 'message');
    };
    try {
      for (let round = 0; round < 3; round += 1) {
        await using source = await openSqlite(path);
        const rows = new Map<string, string>();
        for await (const entry of source.dump()) {
          let content = '';
          for await (const chunk of entry.content?.() ?? []) {
            content += chunk;
            await commits(3);
          }
          rows.set(entry.path, content);
        }
        const balances = [...rows.get('data/accounts/0000.sql')!.matchAll(/VALUES\(\d+,(-?\d+),/g)];
        const transfers = rows.get('data/transfers/0000.sql')!.split('\n').length - 1;
        assert.equal(balances.length, 4000);
        assert.equal(
          balances.reduce((sum, [, balance]) => sum + Number(balance), 0),
          400_000 - transfers,
        );
      }
    } finally {
      await writer.terminate();
    }
  });

  test('in other journal modes they wait until the dump has ended', async () => {
    const path = database('CREATE TABLE t(a)');
    await using source = await openSqlite(path);
    using writer = new DatabaseSync(path);
    for await (const { path: at } of source.dump())
      if (at === 'finish.sql') assert.throws(() => writer.exec('INSERT INTO t VALUES(1)'), /locked/);
    await source[Symbol.asyncDispose]();
    writer.exec('INSERT INTO t VALUES(1)');
    assert.deepEqual(query(path, 'SELECT a FROM t'), [[1n]]);
  });

  test('contents read after the iteration has ended are still of the same state', async () => {
    const path = database('PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)');
    await using source = await openSqlite(path);
    const entries = await Array.fromAsync(source.dump());
    execute(path, 'DELETE FROM t');
    const contents = await Promise.all(entries.map(contentOf));
    assert.match(Buffer.concat(contents as Uint8Array[]).toString(), /VALUES\(1,1\)/);
  });
});

/** The numbers from 1, as `value`. */
const series = (count: number): string =>
  `(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ${count}) SELECT value FROM n)`;

/** Overwrites the first page of a table's tree. */
const damage = (path: string, table: string): void => {
  const [[page, pageSize]] = query(
    path,
    `SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = '${table}'`,
  ) as [[bigint, bigint]];
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(64, 0xee), 0, 64, Number((page - 1n) * pageSize));
  closeSync(file);
};

/** Each transaction takes 1 from an account, moves more between two others, and notes it. */
const transferring = `
  const { DatabaseSync } = require('node:sqlite');
  const { parentPort, workerData } = require('node:worker_threads');
  const db = new DatabaseSync(workerData, { timeout: 10000 });
  const turn = (number) => {
    db.exec('BEGIN IMMEDIATE');
    const change = db.prepare('UPDATE accounts SET balance = balance + ? WHERE id = ?');
    change.run(-1, (number * 7919) % 4000 + 1);
    change.run(-50, (number * 104729) % 4000 + 1);
    change.run(50, (number * 15485863) % 4000 + 1);
    db.exec('INSERT INTO transfers(amount) VALUES(1); COMMIT');
    parentPort.postMessage(number);
    setImmediate(turn, number + 1);
  };
  turn(1);`;
