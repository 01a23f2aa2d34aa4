// Restores over the wire: whole, renamed, replaced, by table, from the server's own backup.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import type { Answer } from '../../../test/servers/tds-responder.ts';
import { type CapturedEntry, edited } from '../testing.ts';
import { dumpOf, rememberRows, restoreTo, startPlainServer } from './testing.ts';

const original = await startPlainServer(shop, ['shop']);
const target = await startPlainServer(shop, []);
const entries = await dumpOf({ url: original.url('shop') });
rememberRows(entries, shop);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-sqlserver-'));
after(async () => {
  await original[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  target.databases.clear();
  target.executed.length = 0;
  target.interfere = () => undefined;
});

const countOf = (database: string, table: string): number | undefined =>
  target.databases.get(database)?.rows.get(table)?.length;
const partOf = (path: string): CapturedEntry[] =>
  entries.filter((entry) => !entry.path.includes('/data/') || entry.path.startsWith(`${path}/`));
const orders = 'shop/data/sales.orders';
const place = (): void =>
  void target.databases.set('shop', {
    made: true,
    rows: new Map(Object.entries(shop.rows).map(([name, rows]) => [name, [...rows]])),
  });

test('a server comes back with its databases, each made as it was', async () => {
  const report = await restoreTo({ url: target.url() }, entries);
  assert.deepEqual(report.failures, []);
  assert.deepEqual([...target.databases.keys()], ['shop']);
  assert.equal(countOf('shop', 'sales.orders'), 5000);
  assert.ok(target.executed.includes('CREATE DATABASE [shop] COLLATE Latin1_General_CI_AS'));
  assert.match(report.warnings.join(), /index XI_doc on dbo\.every type is not in the backup/);
  const at = (pattern: RegExp): number => target.executed.findIndex((sql) => pattern.test(sql));
  assert.ok(at(/^CREATE TABLE \[sales\]/) < at(/^INSERT INTO \[sales\]/));
  assert.ok(at(/^INSERT INTO \[sales\]/) < at(/FOREIGN KEY/));
});

test('a damaged list of the databases is named, and what to do about it', async () => {
  const damaged = entries.map((entry) =>
    entry.path === '00-server.json' ? { ...entry, content: Buffer.from('{') } : entry,
  );
  await assert.rejects(
    restoreTo({ url: target.url() }, damaged),
    (error) => hasCode(error, 'TARGET_FAILED') && /^00-server\.json cannot be read/.test(error.message),
  );
});

test('a database comes back under another name', async () => {
  await restoreTo({ url: target.url() }, entries, { rename: [['shop', 'shop_copy']] });
  assert.deepEqual([...target.databases.keys()], ['shop_copy']);
  await restoreTo({ url: target.url('other') }, entries);
  assert.equal(countOf('other', 'dbo.customers'), 7);
});

test('identity values are inserted as they are, and the switch is turned back', async () => {
  await restoreTo({ url: target.url() }, entries);
  const around = target.executed.filter((sql) =>
    /IDENTITY_INSERT|^INSERT INTO \[dbo\]\.\[customers\]/.test(sql),
  );
  assert.match(
    around.join('\n'),
    /^SET IDENTITY_INSERT \[dbo\]\.\[customers\] ON\nINSERT[^;]*\nSET IDENTITY_INSERT \[dbo\]\.\[customers\] OFF$/,
  );
});

test('rows go in bulk as text that the server turns into types, and by INSERT where a trial fails or it is told', async () => {
  await restoreTo({ url: target.url() }, entries);
  const move = target.executed.find((sql) => /^INSERT INTO \[sales\]\.\[orders\]/.test(sql));
  assert.equal(
    move,
    'INSERT INTO [sales].[orders] ([id],[customer],[total],[note]) SELECT CAST(c0 AS bigint),CAST(c1 AS int),CAST(c2 AS decimal(18,4)),c3 FROM #holdfast_rows',
  );
  assert.match(
    target.executed.find((sql) => /^INSERT INTO \[dbo\]\.\[every type\]/.test(sql)) ?? '',
    /VALUES \(1,255/,
  );
  target.executed.length = 0;
  target.interfere = (sql) =>
    /^SELECT c0, c1 FROM #/.test(sql) ? { columns: ['c0', 'c1'], rows: [['spoilt', null]] } : undefined;
  await restoreTo({ url: target.url('b') }, entries);
  target.interfere = () => undefined;
  await restoreTo({ url: target.url('c'), bulkLoad: 'never' }, entries);
  const inserts = target.executed.filter((sql) => /^INSERT INTO \[sales\]\.\[orders\]/.test(sql));
  assert.equal(inserts.length, 50, 'two restores of 5000 rows, 200 a batch');
  assert.ok(inserts.every((sql) => sql.includes(' VALUES (')));
});

test('a database that is not empty is left alone, or replaced when all of the other is there', async () => {
  place();
  await assert.rejects(restoreTo({ url: target.url('shop') }, entries), (error) =>
    hasCode(error, 'TARGET_NOT_EMPTY'),
  );
  await assert.rejects(restoreTo({ url: target.url() }, entries), (error) =>
    hasCode(error, 'TARGET_NOT_EMPTY'),
  );
  assert.deepEqual(target.executed, []);
  await restoreTo({ url: target.url('shop') }, entries, { force: true });
  assert.deepEqual([...target.databases.keys()], ['shop']);
  const names = target.executed.filter((sql) =>
    /DATABASE .*(MODIFY NAME|RESTRICTED_USER)|^(CREATE|DROP) DATABASE/.test(sql),
  );
  assert.match(
    names.join('\n'),
    /^CREATE DATABASE \[shop\.holdfast-\w+\].*\n.*RESTRICTED_USER.*\nALTER DATABASE \[shop\] MODIFY NAME = .*\n.*RESTRICTED_USER.*\n.* MODIFY NAME = \[shop\]\n.*RESTRICTED_USER.*\nDROP DATABASE IF EXISTS \[shop\.holdfast-\w+\]$/,
  );
});

test('a database that cannot be replaced keeps its name and its users', async () => {
  place();
  let renames = 0;
  target.interfere = (sql) =>
    /MODIFY NAME = \[shop\]$/.test(sql) &&
    /^ALTER DATABASE \[shop\.holdfast-\w+\]/.test(sql) &&
    renames++ === 0
      ? refused(5030, 'The database could not be exclusively locked to perform the operation.')
      : undefined;
  await assert.rejects(
    restoreTo({ url: target.url('shop') }, entries, { force: true }),
    (error) => hasCode(error, 'TARGET_FAILED') && /left as it was/.test(error.hint ?? ''),
  );
  assert.deepEqual([...target.databases.keys()], ['shop']);
  assert.ok(target.executed.includes('ALTER DATABASE [shop] SET MULTI_USER'));
});

test('rows that do not fit what refers to them leave the table as it was, and its counter too', async () => {
  place();
  const key = { schema: 'sales', table: 'orders', name: 'FK_customer', untrusted: 0 };
  target.interfere = (sql) => {
    if (/from sys\.foreign_keys f/.test(sql))
      return { columns: Object.keys(key), rows: [Object.values(key)] };
    return /WITH CHECK CHECK/.test(sql) ? refused(547, 'The ALTER TABLE statement conflicted.') : undefined;
  };
  const customers = 'shop/data/dbo.customers';
  await assert.rejects(
    restoreTo({ url: target.url('shop') }, partOf(customers), { selection: [customers], force: true }),
    (error) => hasCode(error, 'TARGET_FAILED') && /The ALTER TABLE statement conflicted/.test(error.message),
  );
  const { executed } = target;
  assert.ok(executed.includes('DELETE FROM [dbo].[customers]'));
  assert.equal(
    executed.some((sql) => /CHECKIDENT|^COMMIT/.test(sql)),
    false,
  );
});

test('when something fails, nothing of a database that was made for it stays', async () => {
  target.interfere = (sql) =>
    /^INSERT INTO \[sales\]/.test(sql) ? refused(547, 'The row does not fit.') : undefined;
  await assert.rejects(
    restoreTo({ url: target.url() }, entries),
    (error) =>
      hasCode(error, 'TARGET_FAILED') &&
      /rows of sales\.orders could not be restored: The row does not fit/.test(error.message),
  );
  assert.deepEqual([...target.databases.keys()], []);
  place();
  await assert.rejects(restoreTo({ url: target.url('shop') }, entries, { force: true }));
  assert.deepEqual([...target.databases.keys()], ['shop']);
  assert.equal(countOf('shop', 'sales.orders'), 5000, 'the one that was there');
});

test('a table that the server refuses is named with its rows, and all else is there', async () => {
  const refuseTable = (sql: string): Answer | undefined =>
    /^CREATE TABLE \[sales\]\.\[orders\]/.test(sql) ? refused(2715, 'Cannot find data type.') : undefined;
  target.interfere = refuseTable;
  const { failures } = await restoreTo({ url: target.url() }, entries);
  assert.deepEqual(
    failures.map(({ path, error }) => [path, error.message]),
    [
      [
        'shop/01-schema.sql',
        'table sales.orders could not be restored: Cannot find data type; 5,000 rows of it in the snapshot only',
      ],
    ],
  );
  assert.equal(countOf('shop', 'dbo.customers'), shop.rows['dbo.customers']?.length);
  place();
  target.interfere = refuseTable;
  await assert.rejects(
    restoreTo({ url: target.url('shop') }, entries, { force: true }),
    /left as it was: table sales.orders/,
  );
  target.databases.clear();
  target.interfere = (sql) => (/^CREATE TABLE/.test(sql) ? refused(262, 'You may not.') : undefined);
  await assert.rejects(restoreTo({ url: target.url() }, entries), /You may not/);
  assert.deepEqual([...target.databases.keys()], []);
});

test('what follows the rows and fails is named, and the rest is made; what waits for another is tried again', async () => {
  let tries = 0;
  target.interfere = (sql) => {
    if (/CREATE VIEW \[sales\]\.\[a_view\]/.test(sql)) tries += 1;
    if (/CREATE VIEW \[sales\]\.\[a_view\]/.test(sql) && tries === 1)
      return refused(208, "Invalid object name 'later'.");
    if (/CREATE USER/.test(sql)) return refused(15_247, 'You may not.');
    return /ADD CONSTRAINT \[CK_total\]/.test(sql) ? refused(547, 'A row is below zero.') : undefined;
  };
  const report = await restoreTo({ url: target.url() }, entries);
  assert.deepEqual(
    report.failures.map(({ path, error }) => [path, error.message]),
    [['shop/post-data.sql', 'check CK_total on sales.orders could not be restored: A row is below zero.']],
  );
  assert.equal(tries, 2);
  assert.match(report.warnings.join(), /user clerk could not be restored: You may not/);
});

test('damaged rows are noticed, whichever way they go', async () => {
  for (const bulkLoad of ['auto', 'never']) {
    const damaged = edited(entries, `${orders}/0000.sql`, (sql) =>
      sql.replace('note 1)', 'note 9)').replace("N'note 1'", "N'note 9'"),
    );
    await assert.rejects(
      restoreTo({ url: target.url(), bulkLoad }, damaged),
      (error) =>
        hasCode(error, 'TARGET_FAILED') &&
        /rows of sales\.orders are not those that were captured/.test(error.message),
    );
    const short = entries.filter(({ path }) => path !== `${orders}/0000.sql`);
    await assert.rejects(
      restoreTo({ url: target.url(), bulkLoad }, short),
      /lacks the rows of sales\.orders/,
    );
  }
});

test('a row that no dump writes is not executed', async () => {
  const hostile = entries.map((entry) =>
    entry.path === `${orders}/0000.sql`
      ? { ...entry, content: Buffer.from('DROP TABLE [sales].[orders];\n') }
      : entry,
  );
  await assert.rejects(
    restoreTo({ url: target.url() }, hostile),
    (error) => hasCode(error, 'TARGET_FAILED') && /is not as a backup has it/.test(error.message),
  );
});

test('a table comes into a database that lacks it, with its keys, triggers and permissions, in one transaction', async () => {
  target.databases.set('shop', { made: false, rows: new Map() });
  const report = await restoreTo({ url: target.url('shop') }, partOf(orders), { selection: [orders] });
  assert.deepEqual(report.failures, []);
  const { executed } = target;
  const at = (pattern: RegExp): number => executed.findIndex((sql) => pattern.test(sql));
  const order = [
    /^BEGIN TRANSACTION/,
    /^CREATE TABLE \[sales\]\.\[orders\]/,
    /^INSERT INTO \[sales\]/,
    /PRIMARY KEY/,
    /^COMMIT/,
    /FOREIGN KEY/,
    /CREATE TRIGGER/,
  ].map(at);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.ok(!order.includes(-1));
  assert.equal(at(/CREATE TABLE \[dbo\]/), -1);
});

test('a table that has rows is left alone, gets the old ones back, or gets company', async () => {
  place();
  const restore = (into: Parameters<typeof restoreTo>[2]) =>
    restoreTo({ url: target.url('shop') }, partOf(orders), { selection: [orders], ...into });
  await assert.rejects(
    restore({}),
    (error) => hasCode(error, 'TARGET_NOT_EMPTY') && /table sales\.orders has rows/.test(error.message),
  );
  assert.equal(countOf('shop', 'sales.orders'), 5000);

  target.databases.get('shop')?.rows.set('sales.orders', [[1, 1, '1', 'x']]);
  await restore({ force: true });
  assert.equal(countOf('shop', 'sales.orders'), 5000);
  assert.ok(target.executed.includes('DELETE FROM [sales].[orders]'));

  const report = await restore({ rename: [['sales.orders', 'orders_old']] });
  assert.equal(countOf('shop', 'sales.orders_old'), 5000);
  assert.match(
    report.warnings.join(),
    /triggers, properties and permissions of sales\.orders are not made for sales\.orders_old/,
  );
  await assert.rejects(restore({ rename: [['sales.gone', 'x']] }), (error) => hasCode(error, 'USAGE'));
});

test("the server's own backup is taken from the shared folder and goes back by it", async () => {
  const native = { serverFolder: '/srv/backups/', localFolder: folder };
  const local = (sql: string): string =>
    join(folder, /\/srv\/backups\/(holdfast-[\w-]+\.bak)/.exec(sql)?.[1] ?? 'none');
  const said: string[] = [];
  original.interfere = (sql) => {
    if (!sql.startsWith('BACKUP DATABASE')) return undefined;
    said.push(sql);
    writeFileSync(local(sql), 'the bytes of a backup');
    return { ok: true };
  };
  const kept = await dumpOf({ url: original.url('shop'), native });
  assert.match(
    said[0] ?? '',
    /^BACKUP DATABASE \[shop\] TO DISK = N'\/srv\/backups\/holdfast-.*\.bak' WITH COPY_ONLY, FORMAT, INIT, CHECKSUM$/,
  );
  assert.deepEqual(
    kept.map(({ path }) => path),
    ['00-server.json', 'shop', 'shop/database.bak', 'shop/manifest.json'],
  );
  assert.equal(Buffer.from(kept[2]?.content ?? []).toString(), 'the bytes of a backup');
  assert.deepEqual(readdirSync(folder), []);

  let restored = '';
  target.interfere = (sql) => {
    if (sql.startsWith('RESTORE FILELISTONLY'))
      return {
        columns: ['LogicalName', 'Type', 'PhysicalName'],
        rows: [
          ['shop', 'D', '/data/shop.mdf'],
          ["lo'g", 'L', '/data/shop.ldf'],
        ],
      };
    if (/InstanceDefaultDataPath/.test(sql)) return { columns: ['data', 'log'], rows: [['/data/', '/log/']] };
    if (!sql.startsWith('RESTORE DATABASE')) return undefined;
    restored = readFileSync(local(sql), 'utf8');
    said.push(sql);
    return { ok: true };
  };
  await restoreTo({ url: target.url('co/py'), native }, kept);
  assert.equal(restored, 'the bytes of a backup');
  assert.match(
    said[1] ?? '',
    /^RESTORE DATABASE \[co\/py\] FROM DISK = .* WITH CHECKSUM, MOVE N'shop' TO N'\/data\/co_py_0\.mdf', MOVE N'lo''g' TO N'\/log\/co_py_1\.ldf'$/,
  );
  assert.deepEqual(readdirSync(folder), []);
  await assert.rejects(restoreTo({ url: target.url('x') }, kept), /was kept as the server's own backup/);
});

test('a refused BACKUP DATABASE is an error of that database', async () => {
  original.interfere = (sql) =>
    sql.startsWith('BACKUP') ? refused(262, 'BACKUP DATABASE permission denied in database.') : undefined;
  await assert.rejects(
    dumpOf({ url: original.url('shop'), native: { serverFolder: 'C:\\backup', localFolder: folder } }),
    (error) =>
      hasCode(error, 'ITEM_UNREADABLE') &&
      /could not back up shop: BACKUP DATABASE permission denied/.test(error.message) &&
      /db_backupoperator/.test(error.hint ?? ''),
  );
});

const refused = (number: number, message: string): Answer => ({ error: { number, message } });
