// A SQL Server through the command line, with a responder in its place: backed up by URL and by job, listed, verified, brought back
// whole and by table, and tried in a drill.
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { commandLine } from '../src/cli/testing.ts';
import {
  dumpOf,
  type PlainServer,
  password,
  rememberRows,
  startPlainServer,
} from '../src/sources/sqlserver/testing.ts';
import { shop, shopWith } from './servers/sqlserver-shop.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

/** Without what is not kept: each backup would tell of it. */
const plainShop = shopWith({
  indexes: (shop.catalogue.indexes ?? []).filter(({ name }) => name !== 'XI_doc'),
});

suite('SQL Server on the command line', () => {
  const folder = temporaryFolder('cli-sqlserver');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let server: PlainServer;
  let target: PlainServer;

  before(async () => {
    server = await startPlainServer(plainShop, ['shop']);
    target = await startPlainServer(plainShop, []);
    rememberRows(await dumpOf({ url: server.url('shop') }), shop);
    writeFileSync(at('password'), 'secret');
    writeFileSync(at('sa'), password);
    writeFileSync(
      at('holdfast.yaml'),
      `
repositories:
  here: { store: ${at('backups')}, password: { file: ${at('password')} } }
sources:
  shop: { kind: sqlserver, host: 127.0.0.1, port: ${server.responder.port}, user: sa, password: { file: ${at('sa')} }, encrypt: "off", database: shop }
jobs:
  nightly: { backup: [shop], to: [here] }
  prove:
    drill: [{ source: shop, queries: [{ query: "SELECT COUNT_BIG(*) AS found FROM [sales].[orders]", expect: 5000 }] }]
    from: here
catalog: ${at('catalog.db')}
`,
    );
    for (const name of ['password', 'sa', 'holdfast.yaml']) chmodSync(at(name), 0o600);
    process.env.MSSQL_PASSWORD = password;
    await makeRepository(at('backups'));
    await done('backup nightly');
  });
  after(async () => {
    delete process.env.MSSQL_PASSWORD;
    await server?.[Symbol.asyncDispose]();
    await target?.[Symbol.asyncDispose]();
  });

  const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
  /** Without a password, which a variable has. */
  const urlOf = ({ responder }: PlainServer, database: string): string =>
    `sqlserver://sa@127.0.0.1:${responder.port}/${database}?encrypt=off`;
  const { run, done } = commandLine(env);

  test('verify counts every row, and a file of rows can be listed, found and read', async () => {
    assert.match(
      await done('verify'),
      /shop: snapshot \w{8} is what was captured \(.*, 5 tables, 5,014 rows\)/,
    );
    assert.match(await done('ls latest:shop'), /shop\/data\/sales\.orders\/0000\.sql/);
    assert.match(await done('find *sales.orders*'), /sales\.orders/);
    assert.match(
      await done('dump latest:shop shop/data/dbo.customers/0000.sql'),
      /^INSERT INTO \[dbo\]\.\[customers\] /,
    );
  });

  test('a database comes back whole, and is refused where one is', async () => {
    await done('restore latest:shop --to', urlOf(target, 'shop_copy'));
    assert.equal(target.databases.get('shop_copy')?.rows.get('sales.orders')?.length, 5000);
    assert.equal((await run('restore latest:shop --to', urlOf(target, 'shop_copy'))).status, 15);
  });

  test('one table comes back beside the present one', async () => {
    const { status, stderr } = await run(
      'restore latest:shop --table sales.orders --as sales.orders_then --to',
      urlOf(target, 'shop_copy'),
    );
    assert.equal(status, 0);
    assert.match(stderr, /^triggers, properties and permissions of sales\.orders are not made/);
    assert.equal(target.databases.get('shop_copy')?.rows.get('sales.orders_then')?.length, 5000);
  });

  test('into a folder, a database comes as files for sqlcmd', async () => {
    await done(`restore latest:shop --to ${at('files')}`);
    const files = readdirSync(at('files'), { recursive: true, encoding: 'utf8' });
    for (const name of [
      '00-database.sql',
      '01-schema.sql',
      'data/dbo.customers/00-begin.sql',
      'data/dbo.customers/0000.sql',
      'data/dbo.customers/end.sql',
      'post-data.sql',
    ])
      assert.ok(
        files.some((path) => path.endsWith(`shop/${name}`)),
        name,
      );
    const schema = files.find((path) => path.endsWith('01-schema.sql')) ?? '';
    assert.match(readFileSync(at('files', schema), 'utf8'), /CREATE TABLE \[sales\]\.\[orders\]/);
  });

  test('a table that may not be read makes the run partial, and is named', async () => {
    server.interfere = (sql) =>
      /^SELECT .* FROM \[sales\]/.test(sql)
        ? { error: { number: 229, message: 'The SELECT permission was denied.' } }
        : undefined;
    const { status, stdout } = await run('backup', urlOf(server, 'shop'), '--name', 'other', '--json');
    server.interfere = () => undefined;
    assert.equal(status, 3);
    assert.ok(
      jsonLines(stdout).some((line) => JSON.stringify(line).includes('cannot read table sales.orders')),
    );
    assert.ok(!stdout.includes(password));
  });

  test('a wrong password is status 13', async () => {
    process.env.MSSQL_PASSWORD = 'wrong';
    const { status, stderr } = await run('backup', urlOf(server, 'shop'));
    process.env.MSSQL_PASSWORD = password;
    assert.equal(status, 13);
    assert.match(stderr, /Login failed for user 'sa'/);
    assert.match(stderr, /hint: check login and password/);
  });

  test('a drill restores into a database of its own, compares, asks, and drops it', async () => {
    const shown = await done('run prove');
    assert.match(shown, /shop/);
    assert.deepEqual([...server.databases.keys()], ['shop']);
    assert.ok(server.executed.some((sql) => /^DROP DATABASE IF EXISTS \[holdfast_drill_/.test(sql)));
  });
});
