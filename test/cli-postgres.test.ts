// A PostgreSQL server through the command line: backed up by URL and by job, brought back whole, by database and by table.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { commandLine, holdfast } from '../src/cli/testing.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('PostgreSQL on the command line', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('cli-postgres');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let server: PostgresServer;
  let target: PostgresServer;

  before(async () => {
    [server, target] = await Promise.all([startPostgres(), startPostgres()]);
    await server.psql(
      'postgres',
      'CREATE ROLE keeper; CREATE DATABASE shop OWNER keeper; CREATE DATABASE wiki',
    );
    await server.psql(
      'shop',
      `CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL, price numeric(10, 2));
       INSERT INTO orders (what, price) SELECT 'thing ' || n, n / 7.0 FROM generate_series(1, 5000) n;
       CREATE TABLE "odd ""Name""" (id int PRIMARY KEY, "order" bigint REFERENCES orders);
       INSERT INTO "odd ""Name""" SELECT n, n FROM generate_series(1, 10) n;
       CREATE VIEW dear AS SELECT * FROM orders WHERE price > 700;`,
    );
    await server.psql('wiki', `CREATE TABLE pages (title text); INSERT INTO pages VALUES ('Kelp')`);
    mkdirSync(at('media'));
    writeFileSync(at('media', 'menu.txt'), 'soup');
    writeFileSync(at('password'), 'secret');
    writeFileSync(
      at('holdfast.yaml'),
      `
repositories:
  here: { store: ${at('backups')}, password: { file: ${at('password')} } }
sources:
  server: { kind: postgres, url: "${server.url('postgres')}", databases: all }
  media: { kind: files, path: ${at('media')} }
jobs:
  nightly: { backup: [server, media], to: [here] }
catalog: ${at('catalog.db')}
`,
    );
    for (const name of ['password', 'holdfast.yaml']) chmodSync(at(name), 0o600);
    process.env.PGPASSWORD = server.password;
    await makeRepository(at('backups'));
    await done('backup nightly');
    await done('backup', urlOf(server, 'shop'), '--name', 'shop');
  });
  after(async () => {
    delete process.env.PGPASSWORD;
    await server?.[Symbol.asyncDispose]();
    await target?.[Symbol.asyncDispose]();
  });

  const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
  /** Without a password, which libpq's own variable has. */
  const urlOf = ({ host, port, user }: PostgresServer, database: string): string =>
    `postgres://${user}@${host}:${port}/${database}`;
  const { run, done } = commandLine(env);

  test('a job takes every database of the server, and verify counts every row', async () => {
    const shown = await done('verify');
    assert.match(shown, /server: snapshot \w{8} is what was captured \(.*, 3 tables, 5,011 rows\)/);
    assert.match(shown, /shop: snapshot \w{8} is what was captured \(.*, 2 tables, 5,010 rows\)/);
  });

  test('a database comes back under another name, as pg_dump sees it', async () => {
    await target.psql('postgres', 'CREATE ROLE keeper');
    await done('restore latest:shop --to', urlOf(target, 'shop_copy'));
    assert.equal(await target.pgDump('shop_copy'), await server.pgDump('shop'));
  });

  test('a database that is not empty is refused with status 15', async () => {
    const { status, stderr } = await run('restore latest:shop --to', urlOf(server, 'shop'));
    assert.equal(status, 15);
    assert.match(stderr, /hint: /);
  });

  test('a target that names one database is refused another name', async () => {
    for (const words of ['--as shop_b', '--rename shop=shop_b', '--force --as shop_b']) {
      const { status, stderr } = await run(`restore latest:shop ${words} --to`, urlOf(target, 'shop_a'));
      assert.equal(status, 2, words);
      assert.match(stderr, /the target is the database shop_a, and is to be called shop_b\nhint: /);
    }
    await done('restore latest:shop --as shop_b --to', urlOf(target, ''));
    await done('restore latest:shop --as shop_b --force --to', urlOf(target, 'shop_b'));
    const names = await target.psql(
      'postgres',
      `SELECT datname FROM pg_database WHERE datname LIKE 'shop__'`,
    );
    assert.equal(names, 'shop_b');
  });

  test('one table comes back beside the original', async () => {
    await server.psql(
      'shop',
      'DELETE FROM orders WHERE id > 4990 AND id NOT IN (SELECT "order" FROM "odd ""Name""")',
    );
    await done(
      'restore latest:shop --table public.orders --as public.orders_then --force --to',
      urlOf(server, 'shop'),
    );
    assert.equal(await server.psql('shop', 'SELECT count(*), max(id) FROM orders_then'), '5000|5000');
    assert.equal(await server.psql('shop', 'SELECT count(*) FROM orders'), '4990');
  });

  test('a partitioned table comes back with all of its partitions', async () => {
    await server.psql('postgres', 'CREATE DATABASE years');
    await server.psql(
      'years',
      `CREATE TABLE events (year int, what text) PARTITION BY RANGE (year);
       CREATE TABLE old PARTITION OF events FOR VALUES FROM (0) TO (2020) PARTITION BY LIST (what);
       CREATE TABLE older PARTITION OF old DEFAULT; CREATE TABLE recent PARTITION OF events DEFAULT;
       INSERT INTO events SELECT n, 'x' FROM generate_series(2001, 2030) n`,
    );
    const before = await server.pgDump('years');
    await done('backup', urlOf(server, 'years'));
    await server.psql('years', 'DROP TABLE events');
    await done('restore latest:years --table events --to', urlOf(server, 'years'));
    assert.equal(await server.pgDump('years'), before);
    const refused = await run('restore latest:years --table events --as others --to', urlOf(server, 'years'));
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /events is partitioned/);
  });

  test('a schema comes back alone, into a database that has others', async () => {
    await target.psql('postgres', 'CREATE DATABASE parts');
    await target.psql('parts', 'CREATE SCHEMA mine; CREATE TABLE mine.notes (id int)');
    await done('restore latest:server --path shop/data/public.* --to', urlOf(target, 'parts'));
    assert.equal(await target.psql('parts', 'SELECT count(*) FROM public.orders'), '5000');
    assert.equal(await target.psql('parts', 'SELECT count(*) FROM mine.notes'), '0');
  });

  test('into a folder, a database comes as files of its own formats', async () => {
    await done(`restore latest:server --path wiki --to ${at('files')}`);
    const found = readdirSync(at('files'), { recursive: true, encoding: 'utf8' });
    assert.ok(found.includes('wiki/data/public.pages/0000.copy'), found.join(' '));
    assert.ok(!found.some((path) => path.startsWith('shop')));
    assert.equal(await done('dump latest:server wiki/data/public.pages/0000.copy'), 'Kelp\n');
  });

  test('with --json each table is named, and the password nowhere', async () => {
    const output = await done('backup nightly --json -v');
    const items = jsonLines(output).filter(({ message_type }) => message_type === 'item_done');
    assert.ok(items.some(({ item }) => String(item).includes('orders')));
    assert.ok(!output.includes(server.password));
    assert.ok(!(await done('runs latest')).includes(server.password));
  });

  test('a wrong password is status 13, and the other source is stored', async () => {
    process.env.PGPASSWORD = 'wrong';
    const { status, stdout, stderr } = await holdfast(
      ['backup', urlOf(server, 'shop'), at('media'), '--json'],
      { env },
    );
    assert.equal(status, 3);
    assert.equal(stderr, '');
    const failed = jsonLines(stdout).find(({ message_type }) => message_type === 'source_failed');
    assert.deepEqual([failed?.source, failed?.error], ['shop', 'SOURCE_DENIED']);
  });
});
