import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import { scratchMakerOf } from '../source.ts';
import { openSqlServer, startPlainServer } from './testing.ts';

test('columns without a name keep their places in the answer to a drill’s query', async () => {
  await using server = await startPlainServer(shop, []);
  await using source = await openSqlServer({ url: server.url() });
  const request = { name: 'holdfast_drill_x1', folder: '/nowhere', databases: ['shop'] };
  await using place = await scratchMakerOf(source)?.openScratch(request);
  server.databases.set('holdfast_drill_x1_1', { made: true, rows: new Map() });
  const query = 'SELECT COUNT(*), MAX(id) FROM orders';
  server.interfere = (sql) => (sql === query ? { columns: ['', ''], rows: [[3, 7]] } : undefined);
  assert.deepEqual(await place?.query?.(query, 'shop'), [['3', '7']]);
});
