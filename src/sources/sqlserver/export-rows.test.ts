// Rows in the order of a column: what is asked for them, and the same on a real SQL Server where one is named.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { hasCode } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import {
  openSqlServerForTests,
  type RealSqlServer,
  skipWithoutSqlServer,
} from '../../../test/servers/sqlserver.ts';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import type { Cell } from '../../../test/servers/tds-responder.ts';
import { type RowQuery, type RowValues, rowReaderOf } from '../source.ts';
import { sqlserver } from './sqlserver.ts';
import { openSqlServer, startPlainServer } from './testing.ts';

/** Answers as a server with one table would, and keeps what it was asked of its rows. */
const watch = async (columns: readonly Readonly<Record<string, Cell>>[], snapshot = 0) => {
  const server = await startPlainServer(shop, ['shop']);
  const asked: string[] = [];
  const names = ['name', 'type', 'precision', 'scale', 'nullable', 'collation', 'keyPart'];
  server.interfere = (sql) => {
    if (/snapshot_isolation_state/.test(sql)) return { columns: ['snapshot', 'rcsi'], rows: [[snapshot, 0]] };
    if (/count\(\*\) as tables/.test(sql) && snapshot === 0)
      return {
        error: { number: 3952, message: 'Snapshot isolation transaction failed accessing database.' },
      };
    if (/MIN_ACTIVE_ROWVERSION/.test(sql)) return { columns: ['first'], rows: [['00000000000007D1']] };
    if (/FROM sys\.objects o/.test(sql))
      return { columns: ['schema', 'name', 'own'], rows: [['dbo', 'alarms', 1]] };
    if (/FROM sys\.columns c/.test(sql))
      return { columns: names, rows: columns.map((column) => names.map((name) => column[name] ?? null)) };
    if (/FROM \[dbo\]\.\[alarms\]/.test(sql)) {
      asked.push(sql);
      return { columns: columns.map((_, at) => `c${at}`), rows: [] };
    }
    return undefined;
  };
  return Object.assign(server, { asked });
};

const askedFor = async (
  server: Awaited<ReturnType<typeof watch>>,
  config: Readonly<Record<string, unknown>>,
  query: RowQuery,
): Promise<string> => {
  await using source = await openSqlServer({ url: server.url('shop'), ...config });
  await using view = (await rowReaderOf(source)?.openRows()) ?? assert.fail();
  const table = await view.table('alarms');
  await Array.fromAsync(table.rows(query));
  return server.asked.at(-1) ?? '';
};

const alarms = [
  { name: 'Tag', type: 'varchar', nullable: 0, collation: 'SQL_Latin1_General_CP1_CI_AS', keyPart: 1 },
  { name: 'Stamp', type: 'datetime2', scale: 7, nullable: 0 },
  { name: 'Version', type: 'timestamp', nullable: 0 },
  { name: 'Any', type: 'sql_variant', nullable: 1 },
];

test('a position in a varchar is compared in the order of its column, and a row still at work is waited for', async () => {
  await using server = await watch(alarms);
  const from = { position: "it's", overlap: 0 };
  assert.match(
    await askedFor(server, {}, { orderBy: 'Tag', thenBy: [], from }),
    /WHERE \[Tag\] IS NOT NULL AND \[Tag\] >= CONVERT\(varchar\(8000\),N'it''s' COLLATE SQL_Latin1_General_CP1_CI_AS\) ORDER BY \[Tag\]$/,
  );
  const bySequence = { orderBy: 'Version', thenBy: [], from: { position: '07D0', overlap: 0 } };
  assert.match(
    await askedFor(server, {}, bySequence),
    /AND \[Version\] < 0x00000000000007D1 AND \[Version\] >= 0x07D0 ORDER BY \[Version\]$/,
  );
  const byTime = {
    orderBy: 'Stamp',
    thenBy: ['Tag'],
    from: { position: '2026-11-21 03:30:00.1', overlap: 5 },
  };
  const sql = await askedFor(server, {}, byTime);
  assert.match(
    sql,
    /\[Stamp\] >= DATEADD\(second,-5,CONVERT\(datetime2\(7\),N'2026-11-21 03:30:00\.1',121\)\) ORDER BY \[Stamp\],\[Tag\]$/,
  );
  assert.match(sql, /CONVERT\(nvarchar\(max\),CONVERT\(datetime2\(7\),\[Any\]\),121\)/);
});

test('an export is read as `isolation` says, or refused', async () => {
  const query = { orderBy: 'Stamp', thenBy: ['Tag'] };
  await using without = await watch(alarms);
  await assert.rejects(
    askedFor(without, { isolation: 'snapshot' }, query),
    (error) => hasCode(error, 'SOURCE_DENIED') && /ALLOW_SNAPSHOT_ISOLATION ON/.test(error.hint ?? ''),
  );
  assert.match(await askedFor(without, { isolation: 'lock' }, query), / WITH \(TABLOCK, HOLDLOCK\) WHERE /);
  await using allowing = await watch(alarms, 1);
  assert.doesNotMatch(await askedFor(allowing, {}, query), /TABLOCK/);
  assert.ok(allowing.executed.includes('BEGIN TRANSACTION'));
});

suite('exports from SQL Server', { skip: skipWithoutSqlServer() }, () => {
  let server: RealSqlServer;
  let database: string;
  before(async () => {
    server = openSqlServerForTests();
    database = server.freshName();
    await server.create(database);
    await server.run(
      database,
      `CREATE TABLE alarms (seqno int NOT NULL PRIMARY KEY, stamp datetime NOT NULL, text nvarchar(50), value float,
        raw varbinary(10), armed bit, version rowversion)`,
      `INSERT INTO alarms (seqno, stamp, text, value, raw, armed) VALUES
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
    assert.deepEqual(table.key, ['seqno']);
    const all = async (orderBy: string, from?: { position: string; overlap: number }): Promise<RowValues[]> =>
      (await Array.fromAsync(table.rows({ orderBy, thenBy: ['seqno'], ...(from && { from }) }))).flat();
    const [late, early] = (await all('stamp')).toReversed();
    assert.deepEqual(late?.slice(0, 3), ['1', '2026-11-21 03:30:00.127', 'Größe']);
    // Servers write the exponent with two or three digits.
    assert.match(late?.[3] ?? '', /^1\.0000000000000001e-0?01$/);
    assert.deepEqual(late?.slice(4, 6), ['00FF', 'true']);
    assert.deepEqual(early?.slice(0, 6), ['2', '2026-11-21 03:30:00.000', null, null, null, null]);
    const last = (await table.last('stamp')) ?? assert.fail();
    assert.equal((await all('stamp', { position: last, overlap: 0 })).length, 1);
    assert.equal((await all('stamp', { position: last, overlap: 1 })).length, 2);
    assert.equal(await table.isBefore('seqno', '1', { position: '5', overlap: 3 }), true);
    assert.equal(await table.isBefore('seqno', '2', { position: '5', overlap: 3 }), false);
    // Babelfish does not tell which one is still at work.
    await all('version').then(
      (rows) => assert.equal(rows.length, 2),
      (error) => assert.ok(hasCode(error, 'UNSUPPORTED')),
    );
  });
});
