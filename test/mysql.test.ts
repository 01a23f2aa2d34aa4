// A MariaDB server through the command line: backed up by URL and by job, brought back whole, by table, and without Holdfast.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { commandLine } from '../src/cli/testing.ts';
import { makeShop } from '../src/sources/mysql/testing.ts';
import { type MysqlServer, startMariadb } from './servers/mariadb.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('MariaDB on the command line', { skip: skipWithout('mariadb') ?? false }, () => {
  const folder = temporaryFolder('cli-mysql');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let server: MysqlServer;
  let target: MysqlServer;

  before(async () => {
    [server, target] = await Promise.all([startMariadb(), startMariadb()]);
    await makeShop(server, 'mariadb');
    await server.sql(
      `create database wiki; create table wiki.pages (title text); insert into wiki.pages values ('Kelp')`,
    );
    writeFileSync(at('password'), 'secret');
    writeFileSync(
      at('my.cnf'),
      `[client]\nhost=127.0.0.1\nport=${server.port}\nuser=${server.user}\npassword="${server.password}"\n`,
    );
    writeFileSync(
      at('holdfast.yaml'),
      `
repositories:
  here: { store: ${at('backups')}, password: { file: ${at('password')} } }
sources:
  server: { kind: mariadb, defaultsFile: ${at('my.cnf')}, databases: all, users: true }
  copy: { kind: mariadb, url: "${urlOf(target, 'received')}" }
  other: { kind: mariadb, url: "${urlOf(target, 'other')}" }
jobs:
  nightly: { backup: [server], to: [here] }
  follow: { receive: [{ source: shop, into: copy }, { source: server, into: other }], from: here }
catalog: ${at('catalog.db')}
`,
    );
    for (const name of ['password', 'my.cnf', 'holdfast.yaml']) chmodSync(at(name), 0o600);
    process.env.MYSQL_PWD = server.password;
    await makeRepository(at('backups'));
    await done('backup nightly');
    await done('backup', urlOf(server, 'shop'), '--name', 'shop');
  });
  after(async () => {
    delete process.env.MYSQL_PWD;
    await server?.[Symbol.asyncDispose]();
    await target?.[Symbol.asyncDispose]();
  });

  const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
  /** Without a password, which the clients' own variable has. */
  const urlOf = ({ host, port, user }: MysqlServer, database: string): string =>
    `mariadb://${user}@${host}:${port}/${database}`;
  const { run } = commandLine(env);
  const done = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(...words);
    const said = stderr.replaceAll(
      /.*(?:is not in force on the server|ha(?:ve|s) no transactions|left out beside).*\n/g,
      '',
    );
    assert.deepEqual({ status, said }, { status: 0, said: '' }, words.join(' '));
    return stdout;
  };

  test('a job takes every database of the server, and verify counts every row', async () => {
    assert.match(
      await done('verify'),
      /server: snapshot \w{8} is what was captured \(.*, 23 tables, 1,695 rows\)/,
    );
  });

  test('a database comes back under another name, as mariadb-dump sees it', async () => {
    await done('restore latest:shop --to', urlOf(target, 'shop_copy'));
    const seen = (await target.dump('shop_copy')).replaceAll('nextval(`shop_copy`', 'nextval(`shop`');
    assert.equal(seen, await server.dump('shop'));
    const { status, stderr } = await run('restore latest:shop --to', urlOf(target, 'shop_copy'));
    assert.equal(status, 15);
    assert.match(stderr, /hint: /);
  });

  test('one table comes back beside the original', async () => {
    await done('restore latest:shop --table orders --as orders_then --to', urlOf(target, 'shop_copy'));
    assert.equal(await target.sql('select count(*), max(id) from orders_then', 'shop_copy'), '900\t900');
  });

  test('the lines of the manual restore it without Holdfast', {
    skip: skipWithoutRestic() ?? false,
  }, async () => {
    const repository = at('backups');
    for (const binary of Object.values(await resticBinaries())) {
      await runRestic(binary, ['restore', 'latest', '--tag', 'source:server', '--target', at('back')], {
        repository,
      });
      const back = at('back', 'server');
      const feed = (args: readonly string[], ...path: string[]): Promise<string> =>
        target.client(
          args,
          readFileSync(join(back, ...path)),
          join(back, path.length > 1 ? (path[0] ?? '') : ''),
        );
      await feed(['-f'], '01-users.sql').catch(() => {}); // the administrator exists
      await feed([], 'shop', '00-database.sql');
      await feed(['shop'], 'shop', '01-tables.sql');
      await feed(['--local-infile', 'shop'], 'shop', 'load.sql');
      await feed(['shop'], 'shop', 'post-data.sql');
      await feed(['-f'], '01-users.sql').catch(() => {}); // once more, for grants on tables
      assert.equal(await target.dump('shop', '--databases'), await server.dump('shop', '--databases'));
      await target.sql('drop database shop');
    }
  });

  test('another server receives it, but not the snapshot of several databases', async () => {
    const first = await run('run follow');
    assert.match(first.stdout, /copy: snapshot [0-9a-f]{8} loaded; .* behind/);
    assert.match(first.stderr, /event nightly would run by itself/);
    assert.match(first.stderr, /the snapshot holds 2 databases/);
    assert.equal(first.status, 3);
    const tables = (database: string) => `select table_name from information_schema.tables
      where table_schema = '${database}' and table_name <> 'holdfast_received' order by 1`;
    assert.equal(await target.sql(tables('received')), await server.sql(tables('shop')));
    assert.match((await run('run follow')).stdout, /copy: nothing new; /);
  });

  test('into a folder, a table comes as text of its own', async () => {
    mkdirSync(at('files'));
    await done(`restore latest:server --path wiki --to ${at('files')}`);
    assert.equal(readFileSync(at('files', 'wiki/data/pages/0000.tsv'), 'utf8'), 'Kelp\n');
    assert.equal(await done('dump latest:server wiki/data/pages/0000.tsv'), 'Kelp\n');
  });

  test('with --json each table is named, and the password nowhere', async () => {
    const output = await done('backup nightly --json -v');
    const items = jsonLines(output).filter(({ message_type }) => message_type === 'item_done');
    assert.ok(items.some(({ item }) => item === 'shop.orders'));
    assert.ok(!output.includes(server.password));
  });

  test('a wrong password is status 13, and a broken view makes the run partial', async () => {
    process.env.MYSQL_PWD = 'wrong';
    assert.equal((await run('backup', urlOf(server, 'shop'))).status, 13);
    process.env.MYSQL_PWD = server.password;
    await server.sql('create view broken as select title from pages; rename table pages to moved', 'wiki');
    const { status, stdout, stderr } = await run('backup', urlOf(server, 'wiki'));
    assert.equal(status, 3);
    assert.match(stdout + stderr, /view wiki\.broken/);
  });
});
