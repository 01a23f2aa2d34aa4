import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { frozen, whileHoursPass } from '../../../test/tools/frozen.ts';
import { keepsItsPatience } from '../../../test/tools/silence-contract.ts';
import { configFromUrl, settingsOf } from './config.ts';
import { connect } from './connect.ts';
import { openMysql } from './testing.ts';

const skip = skipWithout('mariadb') ?? false;
let server: MysqlServer;
before(async () => {
  if (skip) return;
  server = await startMariadb();
  await server.sql(
    `create database shop; create table shop.t as select seq as i, repeat('x', 1000) as x from shop.seq_1_to_60000`,
  );
});
after(async () => await server?.[Symbol.asyncDispose]());

test('a server that freezes in the middle of a table is given up', { skip }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const source = await openMysql(server, { url: server.url('shop'), timeoutSeconds: 600 });
  const entries = source.dump()[Symbol.asyncIterator]();
  for (;;) {
    const { value: entry } = await entries.next();
    if (!entry.path.includes('/t/') || !entry.content) continue;
    const rows = entry.content()[Symbol.asyncIterator]();
    await rows.next();
    using _ = frozen(join(dirname(server.socket), 'data/pid'));
    const rest = () => Array.fromAsync({ [Symbol.asyncIterator]: () => rows });
    const error = await whileHoursPass(t, rest);
    assert.ok(hasCode(error, 'SOURCE_UNREACHABLE'), String(error));
    assert.match(error.message, /silent for 600 s in the middle of table shop\.t/);
    assert.match(error.hint ?? '', /timeoutSeconds/);
    await whileHoursPass(t, async () => await source[Symbol.asyncDispose]());
    return;
  }
});

keepsItsPatience({
  skip,
  port: () => server.port,
  async open(port) {
    const url = server.url('shop').replace(`:${server.port}/`, `:${port}/`);
    const connection = await connect(settingsOf(configFromUrl(url)), new AbortController().signal);
    const patience = { seconds: 60, item: 'table t', server: 'it' };
    return {
      rows: (sql) => connection.rows(sql, () => {}, patience),
      [Symbol.asyncDispose]: async () => await connection[Symbol.asyncDispose](),
    };
  },
  table: 'shop.t',
  sleep: 'select sleep(0.3)',
});
