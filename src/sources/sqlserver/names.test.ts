import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { decodeName } from '../path-names.ts';
import { configFromUrl, configSchema, settingsOf } from './config.ts';
import { ConnectionString } from './connection-string.ts';
import { parseName, quoteName } from './identifiers.ts';
import { givenIndexName } from './index-name.ts';
import { databasePath, encodeName, parsePath, tablePath } from './layout.ts';
import { mentionedNames, orderByMention } from './mentions.ts';
import { withName } from './module-sql.ts';
import { fitsTable, wantedOf } from './patterns.ts';

test('names stand in brackets, and are read with brackets, quotes or neither', () => {
  assert.equal(quoteName({ schema: 'a]b', name: 'c"d' }), '[a]]b].[c"d]');
  assert.deepEqual(parseName('shop.[a.b]]c]."d""e"'), ['shop', 'a.b]c', 'd"e']);
  assert.equal(parseName('a..b'), undefined);
});

test('every name makes a part of a path, and comes back from it', () => {
  for (const name of [
    'orders',
    'a/b+c',
    '..',
    '',
    'tab\tline\n',
    'ünï 🐙',
    'a.b',
    'c:\\d',
    'half \ud83d',
    '=2E',
  ]) {
    assert.equal(decodeName(encodeName(name)), name);
    assert.doesNotMatch(encodeName(name), /[/\\:\n]|^\.+$/);
    assert.ok(encodeName(name).isWellFormed());
  }
  const table = { schema: 'd.o', name: 'a/b' };
  assert.deepEqual(parsePath(`${databasePath('0x')}/${tablePath(table)}/0000.sql`), {
    kind: 'rows',
    database: '0x',
    table,
  });
  assert.throws(
    () => parsePath('shop/../x'),
    (error) => hasCode(error, 'PATH_UNSAFE'),
  );
  assert.throws(
    () => parsePath('shop/other.txt'),
    (error) => hasCode(error, 'TARGET_FAILED'),
  );
});

test('tables and databases are chosen by patterns, whatever the case', () => {
  assert.ok(fitsTable('DBO.order*', 'shop', { schema: 'dbo', name: 'Orders' }));
  assert.ok(fitsTable('log_?', 'shop', { schema: 'x', name: 'log_1' }));
  assert.ok(!fitsTable('shop.dbo.x', 'other', { schema: 'dbo', name: 'x' }));
  const choice = { tables: ['dbo.*'], exclude: ['*.tmp_*'], excludeData: ['dbo.log'] };
  assert.deepEqual(
    ['orders', 'tmp_1', 'log'].map((name) => wantedOf(choice, 'shop', { schema: 'dbo', name })),
    ['all', 'nothing', 'definition'],
  );
});

test('a URL and a connection string say the same, and neither shows its password', () => {
  const url = new ConnectionString(
    'sqlserver://sa:p%40ss@db.internal:1433/shop?encrypt=strict&trustServerCertificate=no',
  );
  const pairs = new ConnectionString(
    `Server=tcp:db.internal,1433;Initial Catalog=shop;User ID=sa;Password="p@ss";Encrypt=Strict;TrustServerCertificate=False;App=x`,
  );
  assert.deepEqual(pairs.address, url.address);
  assert.deepEqual([url.password?.reveal(), pairs.password?.reveal()], ['p@ss', 'p@ss']);
  assert.equal(`${pairs}`, 'sqlserver://sa@db.internal:1433/shop');
  assert.deepEqual(new ConnectionString('Server=.\\SQLEXPRESS;Uid=u;Pwd=a;;').address, {
    host: 'localhost',
    instance: 'SQLEXPRESS',
    user: 'u',
  });
  assert.deepEqual(
    new ConnectionString(
      'Data Source=h;User ID=u;Connect Timeout=30;Encrypt=True;Application Intent=ReadOnly;Multi Subnet Failover=True;Command Timeout=30',
    ).address,
    {
      host: 'h',
      user: 'u',
      connectTimeoutSeconds: 30,
      encrypt: 'on',
      readOnlyIntent: true,
      multiSubnetFailover: true,
    },
  );
  for (const bad of [
    'sqlserver://sa:secret@h/a/b',
    'Server=h;ApplicationIntent=Sometimes',
    'Server=h;Passwrod=secret',
    'sqlserver://h:99999/x',
    'nothing',
  ])
    assert.throws(
      () => new ConnectionString(bad),
      (error) => hasCode(error, 'CONFIG_INVALID') && !/secret/.test(error.message),
      bad,
    );
});

test('settings say what is safe unless told otherwise', () => {
  const settings = settingsOf(configFromUrl('sqlserver://sa@db/shop'), { SQLCMDPASSWORD: 'from env' });
  assert.equal(settings.encrypt, 'on');
  assert.equal(settings.trustServerCertificate, false);
  assert.equal(settings.password(), 'from env');
  assert.equal(settings.server, 'db:1433');
  assert.equal(
    settingsOf(configSchema.parse({ host: 'db', instance: 'SALES', user: 'u' })).server,
    'db\\SALES',
  );
  assert.throws(() => settingsOf(configSchema.parse({ host: 'db' }), {}), /no login is named/);
  assert.throws(() => configSchema.parse({ url: 'sqlserver://u@h/d', host: 'x' }), /`url` stands for/);
  assert.throws(
    () => configSchema.parse({ user: 'u', native: { serverFolder: '/a', localFolder: '/b' }, tables: ['x'] }),
    /cannot choose tables/,
  );
});

test('the text of a module gets the name that it has today', () => {
  const name = { schema: 'sales', name: 'new]' };
  assert.equal(
    withName('create  proc [old] . "x" @a int as select 1', name),
    'create  proc [sales].[new]]] @a int as select 1',
  );
  assert.equal(
    withName('-- CREATE VIEW no\n/* CREATE */ CREATE OR ALTER\nVIEW old(a) AS SELECT 1', name),
    '-- CREATE VIEW no\n/* CREATE */ CREATE OR ALTER\nVIEW [sales].[new]]](a) AS SELECT 1',
  );
  assert.equal(
    withName('CREATE FUNCTION dbo.f(@a int) RETURNS int AS BEGIN RETURN 1 END', { schema: 'dbo', name: 'f' }),
    'CREATE FUNCTION [dbo].[f](@a int) RETURNS int AS BEGIN RETURN 1 END',
  );
});

test('what is mentioned comes first, and circles stay as they are', () => {
  assert.deepEqual(
    [...mentionedNames('SELECT [a]]b], "c d", é_1 FROM x.y')].toSorted(),
    ['a]b', 'c d', 'from', 'select', 'x', 'y', 'é_1'].toSorted(),
  );
  const items = [
    { name: 'a', text: 'from B' },
    { name: 'b', text: 'from [c]' },
    { name: 'c', text: 'from d where a' },
    { name: 'd', text: '' },
  ];
  assert.deepEqual(
    orderByMention(items).map(({ name }) => name),
    ['d', 'c', 'b', 'a'],
  );
  const deep = Array.from({ length: 20_000 }, (_, at) => ({ name: `v${at}`, text: `v${at + 1}` }));
  assert.equal(orderByMention(deep)[0]?.name, 'v19999');
});

test('an index of Babelfish is made again under the name that it was given', () => {
  const digest = createHash('md5').update('ix_total').digest('hex');
  assert.equal(givenIndexName(`ix_totalorders${digest}`, 'Orders'), 'ix_total');
  assert.equal(givenIndexName(`ix_otherorders${digest}`, 'orders'), `ix_otherorders${digest}`);
  assert.equal(givenIndexName('IX_plain', 'orders'), 'IX_plain');
});
