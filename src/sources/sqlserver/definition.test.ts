// From the catalogue's answers to T-SQL, without a server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import type { Row } from './answers.ts';
import { temporalSql } from './constraint-sql.ts';
import type { Contents, Table } from './model.ts';
import { renamedTable } from './part-tables.ts';
import { databaseStatements, scriptOf, sqlcmdSafe } from './script.ts';
import { postDataStatements, preDataStatements, type Statement } from './statements.ts';
import { aroundRows, createTableSql, linePrefix, reseedSql, restartSequenceSql } from './table-sql.ts';
import { assembledOf } from './testing.ts';

const assembled = (more?: Readonly<Record<string, readonly Row[]>>, isWanted?: (name: string) => boolean) =>
  assembledOf(shop, more, isWanted);

const contents: Contents = assembled().contents;
const batchOf = (statements: readonly Statement[], what: string): string => {
  const found = statements.find((statement) => statement.what === what);
  assert.ok(found, `${what} is not among ${statements.map((each) => each.what).join('; ')}`);
  return found.batches.join('; ');
};
const tableNamed = (name: string): Table => {
  const table = contents.tables.find((each) => each.name === name);
  assert.ok(table);
  return table;
};

test('a table has its columns with type, collation, identity, default, and what is computed', () => {
  assert.equal(
    createTableSql(tableNamed('customers')),
    `CREATE TABLE [dbo].[customers] (
  [id] int IDENTITY(1,1) NOT NULL,
  [email] nvarchar(100) COLLATE Latin1_General_CI_AS NOT NULL,
  [code] [dbo].[code] NOT NULL CONSTRAINT [DF_code] DEFAULT ('x'),
  [initials] AS ([dbo].[first_letter]([email])),
  [guid] uniqueidentifier ROWGUIDCOL NOT NULL
)`,
  );
});

test('what tables need comes before them: schemas, types, sequences, functions', () => {
  const order = preDataStatements(contents).map(({ what }) => what);
  const before = (first: string, second: string): void =>
    assert.ok(order.indexOf(first) < order.indexOf(second), `${first} before ${second}`);
  before('schema sales', 'table sales.orders');
  before('type dbo.code', 'table dbo.customers');
  before('function dbo.first_letter', 'table dbo.customers');
  before('sequence dbo.counter', 'table sales.orders');
  const functions = postDataStatements(contents).filter(({ what }) => what.startsWith('function'));
  assert.deepEqual(functions, [], 'and are not made twice');
});

test('keys, indexes with what they include and filter, checks and foreign keys follow the rows', () => {
  const post = postDataStatements(contents);
  assert.equal(
    batchOf(post, 'primary key PK_customers on dbo.customers'),
    'ALTER TABLE [dbo].[customers] ADD CONSTRAINT [PK_customers] PRIMARY KEY CLUSTERED ([id])',
  );
  assert.equal(
    batchOf(post, 'unique UQ_email on dbo.customers'),
    'ALTER TABLE [dbo].[customers] ADD CONSTRAINT [UQ_email] UNIQUE NONCLUSTERED ([email]) WITH (FILLFACTOR = 80)',
  );
  assert.equal(
    batchOf(post, 'index IX_total on sales.orders'),
    'CREATE NONCLUSTERED INDEX [IX_total] ON [sales].[orders] ([total] DESC, [customer]) INCLUDE ([note]) WHERE ([total]>(100))',
  );
  assert.match(
    batchOf(post, 'index IX_off on sales.orders'),
    /^CREATE UNIQUE .* WITH \(IGNORE_DUP_KEY = ON\); ALTER INDEX \[IX_off\] ON \[sales\]\.\[orders\] DISABLE$/,
  );
  assert.match(
    batchOf(post, 'check CK_note on sales.orders'),
    /WITH NOCHECK ADD CONSTRAINT \[CK_note\] CHECK .*; ALTER TABLE \[sales\]\.\[orders\] NOCHECK CONSTRAINT \[CK_note\]$/,
  );
  assert.match(
    batchOf(post, 'foreign key FK_customer on sales.orders'),
    /^ALTER TABLE \[sales\]\.\[orders\] ADD CONSTRAINT \[FK_customer\] FOREIGN KEY \(\[customer\]\) REFERENCES \[dbo\]\.\[customers\] \(\[id\]\) ON DELETE CASCADE$/,
  );
});

test('views come after the views that they are made from, triggers and synonyms too, and switched off as they were', () => {
  const post = postDataStatements(contents);
  const order = post.map(({ what }) => what);
  assert.ok(order.indexOf('view sales.z_view') < order.indexOf('view sales.a_view'));
  assert.match(
    batchOf(post, 'view sales.z_view'),
    /^SET QUOTED_IDENTIFIER OFF; -- the old name\nCREATE VIEW \[sales\]\.\[z_view\] .*; SET QUOTED_IDENTIFIER ON$/,
  );
  assert.match(
    batchOf(post, 'trigger sales.audit'),
    /; DISABLE TRIGGER \[sales\]\.\[audit\] ON \[sales\]\.\[orders\]$/,
  );
  assert.equal(
    batchOf(post, 'database trigger ddl'),
    'CREATE TRIGGER ddl ON DATABASE FOR CREATE_TABLE AS RETURN',
  );
  assert.equal(batchOf(post, 'synonym dbo.people'), 'CREATE SYNONYM [dbo].[people] FOR [dbo].[customers]');
});

test('users, roles, members, owners, properties and permissions are decoration', () => {
  const decoration = postDataStatements(contents).filter(({ isDecoration }) => isDecoration);
  const expected: Record<string, string | RegExp> = {
    'user clerk':
      /^IF SUSER_ID\(N'clerk_login'\) IS NOT NULL CREATE USER \[clerk\] FOR LOGIN \[clerk_login\] .* ELSE CREATE USER \[clerk\] WITHOUT LOGIN/,
    'role readers': 'CREATE ROLE [readers]',
    'member clerk of readers': 'ALTER ROLE [readers] ADD MEMBER [clerk]',
    'member readers of db_datareader': 'ALTER ROLE [db_datareader] ADD MEMBER [readers]',
    'owner of schema sales': 'ALTER AUTHORIZATION ON SCHEMA::[sales] TO [clerk]',
    'property about of the database':
      "EXEC sys.sp_addextendedproperty @name = N'about', @value = N'the shop''s'",
    'property MS_Description of dbo.customers.email':
      /@level1type = N'TABLE', @level1name = N'customers', @level2type = N'COLUMN', @level2name = N'email'$/,
    'property why of sales.orders.IX_total': /@level2type = N'INDEX', @level2name = N'IX_total'$/,
    'property rule of sales.orders.CK_total': /@level2type = N'CONSTRAINT', @level2name = N'CK_total'$/,
    'permission SELECT on dbo.customers for readers':
      'GRANT SELECT ON OBJECT::[dbo].[customers] TO [readers] WITH GRANT OPTION',
    'permission UPDATE on dbo.customers.email for readers':
      'DENY UPDATE ([email]) ON OBJECT::[dbo].[customers] TO [readers]',
    'permission EXECUTE on sales for public': 'GRANT EXECUTE ON SCHEMA::[sales] TO [public]',
    'permission CONNECT on the database for clerk': 'GRANT CONNECT TO [clerk]',
  };
  for (const [what, sql] of Object.entries(expected))
    if (typeof sql === 'string') assert.equal(batchOf(decoration, what), sql);
    else assert.match(batchOf(decoration, what), sql);
  assert.equal(decoration.length, Object.keys(expected).length + 1);
});

test('identity columns and sequences go on where they were', () => {
  assert.equal(
    reseedSql(tableNamed('customers')),
    "IF EXISTS (SELECT 1 FROM [dbo].[customers]) DBCC CHECKIDENT ('[dbo].[customers]', RESEED, 7) ELSE DBCC CHECKIDENT ('[dbo].[customers]', RESEED, 8)",
  );
  assert.equal(reseedSql(tableNamed('only_computed')), undefined);
  const [counter] = contents.sequences;
  assert.ok(counter);
  assert.deepEqual(restartSequenceSql(counter), [
    'ALTER SEQUENCE [dbo].[counter] RESTART WITH 2',
    'SELECT NEXT VALUE FOR [dbo].[counter] AS taken',
  ]);
  assert.deepEqual(restartSequenceSql({ ...counter, current: '5', used: false }), []);
  assert.deepEqual(restartSequenceSql({ ...counter, current: '5', used: true }), [
    'SELECT NEXT VALUE FOR [dbo].[counter] AS taken',
  ]);
});

test('a name with a line break keeps its rows in lines', () => {
  const table = tableNamed('Ta]b\'le "é"🐙\n/x.y');
  assert.equal(linePrefix(table), 'INSERT INTO #holdfast_rows VALUES (');
  assert.match(aroundRows(table)?.begin ?? '', /^GO\nSELECT \* INTO #holdfast_rows FROM \(SELECT TOP 0 /);
  assert.match(aroundRows(table)?.end ?? '', /DROP TABLE #holdfast_rows;\nGO\n$/);
  assert.match(
    aroundRows(tableNamed('customers'))?.begin ?? '',
    /SET IDENTITY_INSERT \[dbo\]\.\[customers\] ON/,
  );
  assert.equal(aroundRows(tableNamed('only_computed')), undefined);
});

test('a temporal table becomes one when old and new rows are there', () => {
  const { contents: temporal } = assembled({
    temporal: [{ id: 11, history: 14, type: 2 }],
    periods: [{ object: 11, startColumn: 3, endColumn: 4 }],
  });
  const orders = temporal.tables.find(({ name }) => name === 'orders');
  assert.ok(orders);
  assert.deepEqual(temporalSql(orders), [
    'ALTER TABLE [sales].[orders] ADD PERIOD FOR SYSTEM_TIME ([total], [note])',
    'ALTER TABLE [sales].[orders] SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = [dbo].[only_computed], DATA_CONSISTENCY_CHECK = OFF))',
  ]);
});

test('what is left out takes its foreign keys, triggers, properties and permissions with it', () => {
  const { contents: some } = assembled({}, (name) => name !== 'customers');
  assert.deepEqual(some.tables.find(({ name }) => name === 'orders')?.foreignKeys, []);
  assert.ok(!JSON.stringify([some.properties, some.permissions]).includes('customers'));
  const { contents: without } = assembled({}, (name) => name !== 'orders');
  assert.ok(!without.modules.some(({ name }) => name === 'audit'));
});

test('what is not kept is named with the reason', () => {
  const { contents: rest } = assembled({
    objects: [
      ...(shop.catalogue.objects ?? []),
      { id: 90, schema: 'dbo', name: 'clr', type: 'FS', parent: 0 },
    ],
    partitioned: [{ object: 11, scheme: 'by_year' }],
    typedXml: [{ object: 12, name: 'doc' }],
    masks: [{ object: 10, name: 'email', seen: 1 }],
  });
  assert.deepEqual(
    rest.notKept.map(({ what }) => what),
    [
      'CLR function dbo.clr',
      'index XI_doc on dbo.every type',
      'mask of the column email of dbo.customers',
      'partitions of sales.orders',
      'schema of the column doc of dbo.every type',
    ],
  );
});

test('a definition that may not be read is a failure of what it defines, and the rest goes on', () => {
  const hide = (rows: readonly Row[] | undefined): Row[] =>
    (rows ?? []).map((row) => ({ ...row, definition: null }));
  const { contents: rest, failures } = assembled({
    modules: hide(shop.catalogue.modules),
    checks: hide(shop.catalogue.checks),
  });
  assert.deepEqual(
    failures.map(({ what }) => what),
    [
      'check CK_total of sales.orders',
      'check CK_note of sales.orders',
      'function dbo.first_letter',
      'view sales.a_view',
      'view sales.z_view',
      'procedure dbo.act',
    ],
  );
  assert.match(failures[0]?.error.hint ?? '', /grant view definition/);
  assert.equal(rest.tables.length, 5);
});

test('the same answers in another order make the same contents', () => {
  const turned = Object.fromEntries(
    Object.entries(shop.catalogue).map(([name, rows]) => [name, [...(rows ?? [])].reverse()]),
  );
  assert.deepEqual(assembled({ ...turned, database: shop.catalogue.database ?? [] }).contents, contents);
});

test('a script is batches for sqlcmd, and a line that sqlcmd would obey does not stand alone', () => {
  assert.equal(
    scriptOf('Title', [{ what: 'a\nb', batches: ['SELECT 1', 'SELECT 2'] }]),
    '-- Title\n\n-- a b\nSELECT 1\nGO\nSELECT 2\nGO\n',
  );
  for (const line of ['GO', 'go 5', '  Go -- x', ':r file', '!!dir', 'EXIT', ':setvar a b'])
    assert.match(
      sqlcmdSafe(`CREATE PROC p AS /*\n${line}\n*/ SELECT 1`),
      /^DECLARE @batch nvarchar\(max\) = REPLACE\(N'CREATE PROC[^\n]*;\nEXEC \(@batch\)$/,
      line,
    );
  for (const sql of ['SELECT 1\nGOTO x', 'SELECT a:b', 'SELECT 1 -- GO']) assert.equal(sqlcmdSafe(sql), sql);
});

test('a database is made with its collation, and set as it was', () => {
  assert.deepEqual(
    databaseStatements(contents, 'sh]op').flatMap(({ batches }) => batches),
    [
      'CREATE DATABASE [sh]]op] COLLATE Latin1_General_CI_AS',
      'ALTER DATABASE [sh]]op] SET COMPATIBILITY_LEVEL = 150',
      'ALTER DATABASE [sh]]op] SET RECOVERY FULL',
      'ALTER DATABASE [sh]]op] SET ALLOW_SNAPSHOT_ISOLATION ON',
    ],
  );
});

test('a table under another name has constraints of other names, since these share a name space', () => {
  const copy = renamedTable(tableNamed('orders'), { schema: 'sales', name: 'orders_old' });
  assert.deepEqual(
    [...copy.indexes, ...copy.checks, ...copy.foreignKeys].map(({ name }) => name),
    [
      'IX_off',
      'IX_total',
      'PK_orders_orders_old',
      'CK_note_orders_old',
      'CK_total_orders_old',
      'FK_customer_orders_old',
    ],
  );
  assert.match(createTableSql(copy), /^CREATE TABLE \[sales\]\.\[orders_old\] [^;]*\[DF_order_orders_old\]/s);
});
