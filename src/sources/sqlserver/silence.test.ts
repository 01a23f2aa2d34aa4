import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasCode } from '#lib/errors.ts';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import { whileHoursPass } from '../../../test/tools/frozen.ts';
import { slowLine } from '../../../test/tools/slow-line.ts';
import { configFromUrl, settingsOf } from './config.ts';
import { connect } from './connect.ts';
import { openSqlServer, startPlainServer } from './testing.ts';

const server = await startPlainServer(shop, ['shop']);
const orders = server.databases.get('shop')?.rows.get('sales.orders') ?? [];
while (orders.length < 50_000) orders.push(...orders);
after(() => server[Symbol.asyncDispose]());

const patience = { seconds: 60, item: 'table t', server: 'it' };
const urlAt = (port: number): string => server.url('shop').replace(/:\d+\//, `:${port}/`);
const open = (port = server.responder.port) =>
  connect(settingsOf(configFromUrl(urlAt(port))), 'shop', new AbortController().signal);

test('a server that freezes in the middle of a table is given up', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  await using line = await slowLine(server.responder.port, 0);
  await using source = await openSqlServer({ url: urlAt(line.port), timeoutSeconds: 600 });
  const entries = source.dump()[Symbol.asyncIterator]();
  for (;;) {
    const { value: entry } = await entries.next();
    if (!entry.path.includes('sales.orders/') || !entry.item) continue;
    const rows = entry.content()[Symbol.asyncIterator]();
    await rows.next();
    line.freeze();
    const error = await whileHoursPass(t, () => Array.fromAsync({ [Symbol.asyncIterator]: () => rows }));
    assert.ok(hasCode(error, 'SOURCE_UNREACHABLE'), String(error));
    assert.match(error.message, /silent for 660 s in the middle of table sales\.orders/); // 60 are for locks
    assert.match(error.hint ?? '', /timeoutSeconds/);
    return;
  }
});

test('time in which nobody reads is not the server’s silence', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  await using connection = await open();
  let count = 0;
  for await (const rows of connection.rows('SELECT * FROM [sales].[orders] AS t', patience)) {
    count += rows.length;
    for (let minutes = 0; minutes < 3; minutes += 1) {
      t.mock.timers.tick(60_000);
      await nextTurn();
    }
  }
  assert.equal(count, orders.length);
});
