// Rows in the order of a column, on a real SQL Server where one is named.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import {
  openSqlServerForTests,
  type RealSqlServer,
  skipWithoutSqlServer,
} from '../../../test/servers/sqlserver.ts';
import { type RowValues, rowReaderOf } from '../source.ts';
import { sqlserver } from './sqlserver.ts';

suite('exports from SQL Server', { skip: skipWithoutSqlServer() }, () => {
  let server: RealSqlServer;
  let database: string;
  before(async () => {
    server = openSqlServerForTests();
    database = server.freshName();
    await server.create(database);
    await server.run(
      database,
      `CREATE TABLE alarms (SeqNo int NOT NULL PRIMARY KEY, Stamp datetime NOT NULL, Text nvarchar(50), Value float,
        Raw varbinary(10), Armed bit, Version rowversion)`,
      `INSERT INTO alarms (SeqNo, Stamp, Text, Value, Raw, Armed) VALUES
        (1, '2026-11-21T03:30:00.127', N'Größe', 0.1, 0x00FF, 1), (2, '2026-11-21T03:30:00', NULL, NULL, NULL, NULL)`,
    );
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  test('each value is a text that loses nothing, and an overlap reaches back', async () => {
    await using source = await sqlserver.open(sqlserver.config.parse(server.config(database)), {
      name: 'plant',
      signal: new AbortController().signal,
      log: silentLog,
      clock: systemClock,
    });
    await using view = (await rowReaderOf(source)?.openRows()) ?? assert.fail();
    const table = await view.table('alarms');
    assert.deepEqual(table.key, ['SeqNo']);
    const all = async (orderBy: string, from?: { position: string; overlap: number }): Promise<RowValues[]> =>
      (await Array.fromAsync(table.rows({ orderBy, thenBy: ['SeqNo'], ...(from && { from }) }))).flat();
    const [late, early] = (await all('Stamp')).toReversed();
    assert.deepEqual(late?.slice(0, 6), [
      '1',
      '2026-11-21 03:30:00.127',
      'Größe',
      '1.0000000000000001e-001',
      '00FF',
      'true',
    ]);
    assert.deepEqual(early?.slice(0, 6), ['2', '2026-11-21 03:30:00.000', null, null, null, null]);
    const last = (await table.last('Stamp')) ?? assert.fail();
    assert.equal((await all('Stamp', { position: last, overlap: 0 })).length, 1);
    assert.equal((await all('Stamp', { position: last, overlap: 1 })).length, 2);
    assert.equal(await table.isBefore('SeqNo', '1', { position: '5', overlap: 3 }), true);
    assert.equal(await table.isBefore('SeqNo', '2', { position: '5', overlap: 3 }), false);
    assert.equal((await all('Version')).length, 2);
  });
});
