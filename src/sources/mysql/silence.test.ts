import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasCode } from '#lib/errors.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { frozen, whileHoursPass } from '../../../test/tools/frozen.ts';
import { slowLine } from '../../../test/tools/slow-line.ts';
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

const patience = { seconds: 60, item: 'table t', server: 'it' };
const open = (port = server.port) =>
  connect(
    settingsOf(configFromUrl(server.url('shop').replace(`:${server.port}/`, `:${port}/`))),
    new AbortController().signal,
  );

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

test('goodbye is not said for ever to a server that does not hear it', { skip }, async (t) => {
  await using line = await slowLine(server.port, 0);
  const connection = await open(line.port);
  line.freeze();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  await whileHoursPass(t, async () => await connection[Symbol.asyncDispose]());
});

test('time in which nobody reads is not the server’s silence', { skip }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  await using connection = await open();
  let bytes = 0;
  for await (const chunk of connection.rows('select * from shop.t', () => {}, patience)) {
    bytes += chunk.length;
    for (let minutes = 0; minutes < 5; minutes += 1) {
      t.mock.timers.tick(60_000);
      await nextTurn();
    }
  }
  assert.ok(bytes > 60_000_000);
});

test('a query that has not begun to answer may take as long as it takes', { skip }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  await using connection = await open();
  const rows = connection.rows('select sleep(0.3)', () => {}, patience);
  assert.deepEqual(await whileHoursPass(t, () => Array.fromAsync(rows, String)), ['0\n']);
});
