// A database of very many tables: its catalogue is read at once, and each table has a file.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { columnsOf, latin } from '../../../test/servers/sqlserver-catalogue.ts';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import { type Blueprint, dumpOf, rememberRows, restoreTo, startPlainServer } from './testing.ts';

const count = 2000;
const firstId = 1000;
const numbers = Array.from({ length: count }, (_, number) => number);
const { database = [], schemas = [], types = [] } = shop.catalogue;
const many: Blueprint = {
  catalogue: {
    database,
    schemas,
    types,
    tables: numbers.map((number) => ({ id: firstId + number, schema: 'dbo', name: `t${number}` })),
    columns: numbers.flatMap((number) =>
      columnsOf(firstId + number, {
        id: { type: 'int', nullable: 0 },
        word: { type: 'nvarchar', length: 40, collation: latin },
      }),
    ),
  },
  rows: Object.fromEntries(numbers.map((number) => [`dbo.t${number}`, [[number, `row ${number}`]]])),
};

const original = await startPlainServer(many, ['shop']);
const target = await startPlainServer(many, []);
after(async () => {
  await original[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

test('two thousand tables are backed up, each with its row, and come back', async () => {
  const entries = await dumpOf({ url: original.url('shop') });
  assert.deepEqual(
    entries.filter(({ failed }) => failed),
    [],
  );
  rememberRows(entries, many);
  const report = await restoreTo({ url: target.url() }, entries);
  assert.deepEqual(report.failures, []);
  const restored = target.databases.get('shop');
  assert.equal(restored?.rows.size, count);
  for (const number of numbers) assert.equal(restored?.rows.get(`dbo.t${number}`)?.length, 1);
});
