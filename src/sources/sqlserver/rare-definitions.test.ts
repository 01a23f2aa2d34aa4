// What few databases have, from the catalogue's answers to T-SQL, without a server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { index, indexColumn, object, types } from '../../../test/servers/sqlserver-catalogue.ts';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import type { Row } from './answers.ts';
import { temporalSql } from './constraint-sql.ts';
import type { Contents } from './model.ts';
import { selectSql } from './rows.ts';
import { postDataStatements } from './statements.ts';
import { storedColumns } from './table-sql.ts';
import { assembledOf } from './testing.ts';
import { codecOf } from './value-codec.ts';

const assembled = (more: Readonly<Record<string, readonly Row[]>>) => assembledOf(shop, more);
const tableOf = ({ tables }: Contents, name: string) =>
  tables.find((table) => table.name === name) ?? assert.fail(`no table ${name}`);
const orderOf = (contents: Contents): string[] => postDataStatements(contents).map(({ what }) => what);
const sqlOf = (contents: Contents, what: string): string =>
  postDataStatements(contents)
    .find((statement) => statement.what === what)
    ?.batches.join('; ') ?? assert.fail(`no ${what} in ${orderOf(contents)}`);

test('a view that is kept as rows gets its indexes again', () => {
  const { contents } = assembled({
    columns: [
      ...(shop.catalogue.columns ?? []),
      { object: 22, id: 1, name: 'id', type: 127, nullable: 0 } as Row,
    ],
    indexes: [
      ...(shop.catalogue.indexes ?? []),
      index(22, 1, 'IX_view', { type: 1, kind: 'CLUSTERED', unique: 1 }),
    ],
    indexColumns: [...(shop.catalogue.indexColumns ?? []), indexColumn(22, 1, 1, 1)],
    properties: [{ class: 7, major: 22, minor: 1, name: 'why', value: 'reports' }],
  });
  const order = orderOf(contents);
  assert.ok(order.indexOf('view sales.z_view') < order.indexOf('index IX_view on sales.z_view'));
  assert.equal(
    sqlOf(contents, 'index IX_view on sales.z_view'),
    'CREATE UNIQUE CLUSTERED INDEX [IX_view] ON [sales].[z_view] ([id])',
  );
  assert.match(sqlOf(contents, 'property why of sales.z_view.IX_view'), /@level1type = N'VIEW'/);
});

test('triggers of the database come last, since they would answer to what is made after them', () => {
  const { contents } = assembled({});
  assert.equal(orderOf(contents).at(-1), 'database trigger ddl');
});

test('a type of the CLR is named, and its columns are not taken for those of another', () => {
  const point = { ...types[0], id: 400, systemId: 240, schema: 'dbo', name: 'point', userDefined: 1 };
  const columns = (shop.catalogue.columns ?? []).map((row) =>
    row.object === 11 && row.name === 'note' ? { ...row, type: 400 } : row,
  );
  const { contents } = assembled({ types: [...types, point], columns });
  assert.ok(contents.notKept.some(({ what }) => what === 'type dbo.point'));
  const note = tableOf(contents, 'orders').columns.find(({ name }) => name === 'note') ?? assert.fail();
  assert.throws(() => codecOf(note), /column note is of the type unknown/);
});

test('a temporal table hides the columns of its period as it did, and keeps old rows as long', () => {
  const { contents } = assembled({
    temporal: [{ id: 11, history: 14, type: 2 }],
    periods: [{ object: 11, startColumn: 3, endColumn: 4 }],
    hidden: [{ object: 11, id: 3 }],
    retention: [{ id: 11, length: 6, unit: 'MONTH' }],
  });
  assert.deepEqual(temporalSql(tableOf(contents, 'orders')).slice(1), [
    'ALTER TABLE [sales].[orders] ALTER COLUMN [total] ADD HIDDEN',
    'ALTER TABLE [sales].[orders] SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = [dbo].[only_computed], DATA_CONSISTENCY_CHECK = OFF, HISTORY_RETENTION_PERIOD = 6 MONTH))',
  ]);
});

test('tables and indexes are compressed as they were', () => {
  const { contents } = assembled({
    compression: [
      { object: 11, index: 0, compression: 'PAGE' },
      { object: 10, index: 2, compression: 'ROW' },
    ],
  });
  assert.equal(
    sqlOf(contents, 'compression of sales.orders'),
    'ALTER TABLE [sales].[orders] REBUILD WITH (DATA_COMPRESSION = PAGE)',
  );
  assert.match(
    sqlOf(contents, 'unique UQ_email on dbo.customers'),
    / WITH \(FILLFACTOR = 80, DATA_COMPRESSION = ROW\)$/,
  );
});

test('a column that is masked for the login is not taken for its values', () => {
  const { failures, contents } = assembled({ masks: [{ object: 10, name: 'email', seen: 0 }] });
  assert.deepEqual(
    failures.map(({ error }) => [error.code, error.message]),
    [
      [
        'ITEM_UNREADABLE',
        'column email of dbo.customers: it is masked for the login: what is read are not its values',
      ],
    ],
  );
  assert.ok(contents.notKept.some(({ what }) => what === 'mask of the column email of dbo.customers'));
});

test('a column that clients encrypt fails its table', () => {
  const { contents } = assembled({ encrypted: [{ object: 10, id: 2 }] });
  assert.throws(() => storedColumns(tableOf(contents, 'customers')).map(codecOf), /Always Encrypted/);
  storedColumns(tableOf(contents, 'orders')).map(codecOf);
});

test('what becomes something else, or is not seen, is named', () => {
  const { contents } = assembled({
    rowFilters: [{ object: 11, name: 'own_rows' }],
    ledgers: [{ object: 10 }],
    externalTables: [{ object: 14 }],
    columnSets: [{ object: 12, name: 'doc' }],
    objects: [
      ...(shop.catalogue.objects ?? []),
      object(91, 'dbo', 'zero', 'D '),
      object(92, 'dbo', 'DF_code', 'D ', 10),
    ],
  });
  assert.deepEqual(
    contents.notKept.map(({ what }) => what),
    [
      'column set doc of dbo.every type',
      'default dbo.zero',
      'external source of dbo.only_computed',
      'index XI_doc on dbo.every type',
      'ledger of dbo.customers',
      'rows of sales.orders that the policy own_rows hides from the login',
    ],
  );
});

test('a column with the name of one that is selected does not spoil the order', () => {
  const table = tableOf(assembled({}).contents, 'customers');
  const sql = selectSql(table, storedColumns(table).map(codecOf), { isolation: 'snapshot' });
  assert.match(sql, /^SELECT \[id\] AS c0,.* FROM \[dbo\]\.\[customers\] AS t ORDER BY t\.\[id\]$/);
});

test("a role or schema whose name begins as those of the server is the users' own", () => {
  const { contents } = assembled({
    principals: [
      ...(shop.catalogue.principals ?? []),
      { id: 7, name: 'db_executor', type: 'R', defaultSchema: null, owner: 5 },
    ],
    schemas: [...(shop.catalogue.schemas ?? []), { id: 6, name: 'db_stuff', owner: 'dbo' }],
  });
  assert.equal(sqlOf(contents, 'role db_executor'), 'CREATE ROLE [db_executor] AUTHORIZATION [clerk]');
  assert.ok(contents.schemas.some(({ name }) => name === 'db_stuff'));
});
