// Tables stored row by row (`increments: rows`): what a later backup stores follows the rows that changed, and each snapshot has all of its own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { storedBytes } from '#repository/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { commandLine, holdfast } from '../src/cli/testing.ts';
import { execute, query } from '../src/sources/sqlite/testing.ts';
import { dumpOf, password, rememberRows, startPlainServer } from '../src/sources/sqlserver/testing.ts';
import { startMariadb } from './servers/mariadb.ts';
import { startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { shop, shopWith } from './servers/sqlserver-shop.ts';
import { jsonLines } from './tools/cli.ts';
import { jobsPlace } from './tools/jobs-place.ts';
import { makeRepository } from './tools/repository.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';

/** What all engines are asked alike. */
interface Server extends AsyncDisposable {
  /** The beginning of the source. */
  readonly source: string;
  /** A restore into the database `copy`, up to the URL, and this. */
  readonly restore: readonly [options: string, url: string];
  sql(database: string, text: string): Promise<string>;
  /** A table of the database as an item of a snapshot. */
  tableNamed(name: string): string;
}

const postgres = async (): Promise<Server> => {
  const server = await startPostgres();
  await server.psql('postgres', 'CREATE DATABASE shop; CREATE DATABASE copy TEMPLATE template0;');
  await server.psql(
    'shop',
    `CREATE TABLE orders (id int PRIMARY KEY, state text, note text);
     INSERT INTO orders SELECT n, 'new', E'a\\nb\\tc\\\\d ' || md5(n::text) FROM generate_series(1, 30000) n;
     CREATE TABLE log (line text);
     INSERT INTO log SELECT 'the same' FROM generate_series(1, 150000);`,
  );
  return {
    source: `kind: postgres, url: "${server.url('shop')}"`,
    restore: ['--force --as copy', server.url('copy')],
    sql: (database, text) => server.psql(database, text),
    tableNamed: (name) => `public.${name}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

const mariadb = async (): Promise<Server> => {
  const server = await startMariadb();
  await server.sql(
    `CREATE DATABASE shop; USE shop;
     CREATE TABLE orders (id int PRIMARY KEY, state text, note text);
     INSERT INTO orders SELECT seq, 'new', CONCAT('a\\nb\\tc\\\\d ', MD5(seq)) FROM seq_1_to_30000;
     CREATE TABLE log (line text);
     INSERT INTO log SELECT 'the same' FROM seq_1_to_150000;`,
  );
  return {
    source: `kind: mysql, url: "${server.url('shop')}"`,
    restore: ['--force --as copy', server.url()],
    sql: (database, text) => server.sql(text, database),
    tableNamed: (name) => name,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

const sqlite = async (at: (name: string) => string): Promise<Server> => {
  const file = (database: string): string => at(`${database}.db`);
  execute(
    file('shop'),
    `CREATE TABLE orders (id INTEGER PRIMARY KEY, state text, note text);
     WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
     INSERT INTO orders SELECT n, 'new', 'a' || char(10) || 'b' || char(9) || 'c ' || hex(randomblob(16)) FROM n;
     CREATE TABLE log (line text);
     WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 150000) INSERT INTO log SELECT 'the same' FROM n;`,
  );
  return {
    source: `kind: sqlite, path: ${file('shop')}`,
    restore: ['--force', `sqlite://${file('copy')}`],
    async sql(database, text) {
      if (!text.startsWith('SELECT')) {
        execute(file(database), text);
        return '';
      }
      const answers = text.split('; ').map((question) => query(file(database), question));
      return answers.flat().map(String).join('\n');
    },
    tableNamed: (name) => name,
    async [Symbol.asyncDispose]() {},
  };
};

/** As root is where no permission is overlooked. */
const asAnybody =
  process.getuid?.() === 0 ? ['--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'] : [];

const days = [
  "UPDATE orders SET state = 'paid' WHERE id % 100 = 7",
  'DELETE FROM orders WHERE id BETWEEN 400 AND 499',
  "INSERT INTO orders VALUES (40000, 'late', NULL); INSERT INTO log VALUES ('another'), ('the same')",
  "UPDATE orders SET state = 'sent' WHERE id % 100 = 8 OR id = 40000",
] as const;

for (const { engine, program, start } of [
  { engine: 'PostgreSQL', program: 'postgresql', start: postgres },
  { engine: 'MariaDB', program: 'mariadb', start: mariadb },
  { engine: 'SQLite', program: 'sqlite', start: sqlite },
] as const)
  suite(`increments by rows of ${engine}`, { skip: skipWithout(program) ?? false }, () => {
    const { at, env } = jobsPlace(`increments-${program}`);
    const own = { ...env, PATH: env.PATH ?? '' };
    const { run, done } = commandLine(own);
    let server: Server;
    /** What the tables had when each snapshot was made, oldest first. */
    const states: string[] = [];
    const stored: number[] = [];

    const contentOf = async (database: string): Promise<string> =>
      hash(
        'sha256',
        await server.sql(
          database,
          'SELECT * FROM orders ORDER BY id; SELECT line, count(*) FROM log GROUP BY line ORDER BY line',
        ),
      );

    const backUp = async (): Promise<void> => {
      const bytes = await storedBytes(openLocalStore(at('repository')), 'data/');
      await done('backup');
      stored.push((await storedBytes(openLocalStore(at('repository')), 'data/')) - bytes);
      states.push(await contentOf('shop'));
    };

    before(async () => {
      server = await start(at);
      writeFileSync(
        at('holdfast.yaml'),
        `repositories:
  here: { store: ${at('repository')}, password: { env: HOLDFAST_PASSWORD } }
sources:
  shop: { ${server.source}, increments: rows }
jobs:
  nightly: { backup: [shop], to: [here] }
`,
        { mode: 0o600 },
      );
      await makeRepository(at('repository'));
      await backUp();
      for (const day of days) {
        await server.sql('shop', day);
        await backUp();
      }
    });
    after(() => server?.[Symbol.asyncDispose]());

    test('what each backup stores follows the rows that changed', () => {
      const [first = 0, ...others] = stored;
      assert.ok(first > 500_000, `${stored}`);
      for (const bytes of others) assert.ok(bytes < 40_000, `${stored}`);
    });

    test('snapshots are verified, and come back as they were', async () => {
      for (const [back, state] of [...states].reverse().entries()) {
        if (back % 2 === 1) continue; // each takes a second
        const snapshot = `latest~${back}`;
        assert.match(await done(`verify ${snapshot}`), /is what was captured/);
        const [options, url] = server.restore;
        const { status, stderr } = await run(`restore ${snapshot} ${options} --to`, url);
        assert.equal(status, 0, stderr);
        assert.equal(await contentOf('copy'), state, snapshot);
      }
    });

    test('single rows, differences and questions see tables as they were', async () => {
      const orders = server.tableNamed('orders');
      assert.match(await done(`find --table ${orders} --row id=407`), /state='?paid/);
      const lines = jsonLines(await done(`diff latest~3 latest~2 --rows --table ${orders} --json`));
      assert.equal(lines.filter(({ change }) => change === 'removed').length, 100);
      const { stdout } = await holdfast(['query', 'latest', 'SELECT count(*) AS n FROM orders'], {
        env: own,
      });
      assert.match(stdout, /29901/);
      assert.match(await done('ls latest'), /0000\.\w+$/m);
      assert.doesNotMatch(await done('ls latest'), /\.gone/);
    });

    test('repository, forgetting and pruning: what is left is whole', async () => {
      await done('forget --keep-last 2 --prune');
      assert.match(await done('check --read-data'), /no problem/);
      assert.match(await done('verify latest'), /is what was captured/);
      assert.match(await done('verify latest~1'), /is what was captured/);
    });

    test('stock restic and awk rebuild the file, as the manual says', {
      skip: skipWithoutRestic() ?? false,
    }, async () => {
      const { old, new: newest } = await resticBinaries();
      const manual = readFileSync(
        join(import.meta.dirname, '..', 'docs', 'restore-without-holdfast.md'),
        'utf8',
      );
      const [, recipe] = /^```sh\n(find \. -name 0000\.rows [^`]*)```/m.exec(manual) ?? [];
      assert.ok(recipe);
      mkdirSync(at('failing'));
      writeFileSync(at('failing', 'awk'), '#!/bin/sh\nexit 2\n', { mode: 0o700 });
      const failing = { ...process.env, PATH: `${at('failing')}:${process.env.PATH}` };
      for (const [name, restic] of Object.entries({ old, newest })) {
        await runRestic(restic, ['check', '--read-data'], { repository: at('repository') });
        await runRestic(restic, ['restore', 'latest', '--target', at(name)], {
          repository: at('repository'),
        });
        const paste = (env = process.env): unknown =>
          execFileSync('setpriv', [...asAnybody, 'sh', '-c', recipe], { cwd: at(name), env });
        const before = readdirSync(at(name), { recursive: true });
        assert.throws(() => paste(failing));
        assert.deepEqual(
          readdirSync(at(name), { recursive: true }).filter((file) => !file.includes('.whole')),
          before,
        );
        paste();
        const files = readdirSync(at(name), { recursive: true, encoding: 'utf8' }).filter((file) =>
          /0000\.\w+$/.test(file),
        );
        assert.equal(files.length, 2);
        for (const file of files) {
          const { stdout } = await run('dump latest', `/${file}`);
          const sorted = (text: string): string[] => text.split('\n').sort();
          assert.deepEqual(sorted(readFileSync(at(name, file), 'utf8')), sorted(stdout), file);
        }
      }
    });
  });

suite('increments by rows of a source that is never whole', { skip: skipWithout('sqlite') ?? false }, () => {
  const { at, env } = jobsPlace('increments-flawed');
  const { run } = commandLine({ ...env, PATH: env.PATH ?? '' });
  const stored: number[] = [];

  const configure = (tables: string): void =>
    writeFileSync(
      at('holdfast.yaml'),
      `repositories:
  here: { store: ${at('repository')}, password: { env: HOLDFAST_PASSWORD } }
sources:
  shop: { kind: sqlite, path: ${at('shop.db')}, increments: rows, tables: [${tables}] }
jobs:
  nightly: { backup: [shop], to: [here] }
`,
      { mode: 0o600 },
    );
  /** After a change of a hundredth of the rows. */
  const backUp = async (day: number, expected: number): Promise<void> => {
    execute(at('shop.db'), `UPDATE orders SET state = 'day ${day}' WHERE id % 100 = ${day}`);
    const bytes = await storedBytes(openLocalStore(at('repository')), 'data/');
    const { status, stderr } = await run('backup');
    assert.equal(status, expected, stderr);
    stored.push((await storedBytes(openLocalStore(at('repository')), 'data/')) - bytes);
  };

  before(async () => {
    execute(
      at('shop.db'),
      `CREATE TABLE orders (id INTEGER PRIMARY KEY, state text, note text);
       CREATE TABLE log (line text);
       WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
       INSERT INTO orders SELECT n, 'new', hex(randomblob(16)) FROM n;
       INSERT INTO log SELECT note FROM orders;`,
    );
    await makeRepository(at('repository'));
  });

  test('each partial backup goes on from the one before', async () => {
    configure('orders, log, "not there"');
    for (const day of [1, 2, 3]) await backUp(day, 3);
    const [first = 0, ...others] = stored;
    assert.ok(first > 500_000, `${stored}`);
    for (const bytes of others) assert.ok(bytes < 40_000, `${stored}`);
  });

  test('a table that one backup lacks is not stored whole again', async () => {
    configure('orders, log');
    await backUp(4, 0);
    configure('orders, "not there"');
    await backUp(5, 3);
    configure('orders, log');
    stored.length = 0;
    await backUp(6, 0);
    assert.ok((stored[0] as number) < 40_000, `${stored}`);
  });

  test('nor is one that was empty once', async () => {
    configure('orders, log');
    await backUp(7, 0);
    execute(at('shop.db'), 'CREATE TABLE aside AS SELECT * FROM log; DELETE FROM log');
    await backUp(8, 3);
    execute(at('shop.db'), 'INSERT INTO log SELECT * FROM aside; DROP TABLE aside');
    stored.length = 0;
    await backUp(9, 0);
    assert.ok((stored[0] as number) < 40_000, `${stored}`);
  });
});

suite('increments by rows of SQL Server, on a responder', () => {
  const { at, env } = jobsPlace('increments-sqlserver');
  const { run, done } = commandLine({ ...env, PATH: env.PATH ?? '' });
  before(() => {
    process.env.MSSQL_PASSWORD = password;
  });
  after(() => {
    delete process.env.MSSQL_PASSWORD;
  });

  /** As the shop has them, and as the server is asked for them. */
  const orders = (count: number, note: (at: number) => string) =>
    Array.from({ length: count }, (_, id) => [`${id * 3}`, null, `${id}.1250`, note(id)]);

  test('the second snapshot stores what changed, and both come back', async () => {
    const blueprint = shopWith({
      indexes: (shop.catalogue.indexes ?? []).filter(({ name }) => name !== 'XI_doc'),
    });
    await using server = await startPlainServer(blueprint, ['shop']);
    await using target = await startPlainServer(blueprint, []);
    rememberRows(await dumpOf({ url: server.url('shop') }), shop);
    writeFileSync(
      at('holdfast.yaml'),
      `repositories:
  here: { store: ${at('repository')}, password: { env: HOLDFAST_PASSWORD } }
sources:
  shop: { kind: sqlserver, host: 127.0.0.1, port: ${server.responder.port}, user: sa, password: { env: MSSQL_PASSWORD }, encrypt: "off", database: shop, increments: rows }
jobs:
  nightly: { backup: [shop], to: [here] }
`,
      { mode: 0o600 },
    );
    await makeRepository(at('repository'));
    const stored: number[] = [];
    const states = [
      orders(30_000, (id) => `two\nlines ${hash('sha256', `${id}`)}`),
      orders(30_100, (id) => (id % 100 === 5 ? `late ${id}` : `two\nlines ${hash('sha256', `${id}`)}`)),
    ];
    for (const state of states) {
      server.databases.get('shop')?.rows.set('sales.orders', state);
      const before = await storedBytes(openLocalStore(at('repository')), 'data/');
      await done('backup');
      stored.push((await storedBytes(openLocalStore(at('repository')), 'data/')) - before);
    }
    assert.ok((stored[1] as number) < 0.05 * (stored[0] as number), `${stored}`);
    for (const [index, state] of states.entries()) {
      const snapshot = `latest~${1 - index}`;
      assert.match(await done(`verify ${snapshot}`), /is what was captured/);
      const name = `copy${index}`;
      const { status, stderr } = await run(
        `restore ${snapshot} --as ${name} --to`,
        `sqlserver://sa@127.0.0.1:${target.responder.port}/?encrypt=off`,
      );
      assert.equal(status, 0, stderr);
      const texts = (rows: readonly (readonly unknown[])[] = []) => rows.map((row) => row.join('|')).sort();
      assert.deepEqual(texts(target.databases.get(name)?.rows.get('sales.orders')), texts(state));
    }
  });
});
