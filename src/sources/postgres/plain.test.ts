// The whole database as one file: by psql, and taken apart again. And rows in the order of a column.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { program, skipWithout } from '../../../test/servers/programs.ts';
import { plainDumperOf, rowReaderOf, type Source } from '../source.ts';
import { postgres } from './postgres.ts';

suite('one file for a database of PostgreSQL', { skip: skipWithout('postgresql') }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
    process.env.PGPASSWORD = server.password;
    await server.psql('postgres', 'create database shop; create database copy');
    await server.psql(
      'shop',
      String.raw`create table orders (id serial primary key, what text, at timestamptz, paid bool, doc jsonb, twice int generated always as (id * 2) stored);
       insert into orders (what, at, paid, doc) values (E'-- Holdfast plain dump 1\n\\.\ttab', '2026-11-21 03:30+01', true, '{"a": "Größe"}'),
         (null, null, null, null), ('', '2026-11-21 03:30+01', false, '[]');
       create table "odd ""Name""" (a int, b int); insert into "odd ""Name""" values (1, 2);
       create view dear as select * from orders; create index on orders (what);
       select lo_from_bytea(70000, 'large'); select lo_from_bytea(5, 'small'); create sequence lone start 7;`,
    );
  });
  after(async () => {
    delete process.env.PGPASSWORD;
    await server?.[Symbol.asyncDispose]();
  });

  const open = (database: string): Promise<Source> =>
    postgres.open(postgres.config.parse({ url: server.url(database) }), {
      name: 'shop',
      signal: new AbortController().signal,
      log: silentLog,
      clock: systemClock,
    });
  const dumpOf = async (database: string): Promise<Buffer> => {
    await using source = await open(database);
    for await (const dump of plainDumperOf(source)?.plainDumps() ?? [])
      return Buffer.concat(await Array.fromAsync(dump.content(), (chunk) => Buffer.from(chunk)));
    return assert.fail('no dump');
  };

  test('psql alone loads it, and nothing differs', async () => {
    const args = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', server.url('copy')];
    execFileSync(program('psql'), args, { input: await dumpOf('shop') });
    assert.equal(await server.pgDump('copy'), await server.pgDump('shop'));
  });

  test('Holdfast takes it apart and restores it', async () => {
    const bytes = await dumpOf('shop');
    await using target = await open('again');
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += 101) yield bytes.subarray(at, at + 101);
    };
    const entries = plainDumperOf(target)?.readPlain(pieces()) ?? assert.fail();
    await target.restore(entries, { force: false, rename: [], sequential: true });
    assert.equal(await server.pgDump('again'), await server.pgDump('shop'));
  });

  test('rows come in the order of a column, from a position less an overlap on', async () => {
    await using source = await open('shop');
    await using view = (await rowReaderOf(source)?.openRows()) ?? assert.fail();
    assert.ok(view.horizon && view.horizon.next >= view.horizon.oldest);
    const table = await view.table('public.orders');
    const rows = (await Array.fromAsync(table.rows({ orderBy: 'at', thenBy: ['id'] }))).flat();
    const at = '2026-11-21 02:30:00+00';
    assert.deepEqual(rows, [
      ['1', '-- Holdfast plain dump 1\n\\.\ttab', at, 'true', '{"a": "Größe"}', '2', at],
      ['3', '', at, 'false', '[]', '6', at],
    ]);
    assert.equal(await table.withoutValue('at'), 1);
    assert.equal(await table.last('id'), '3');
    const from = { position: '3', overlap: 1 };
    assert.equal((await Array.fromAsync(table.rows({ orderBy: 'id', thenBy: [], from }))).flat().length, 2);
    assert.equal(await table.isBefore('id', '1', from), true);
    assert.equal(
      await table.isBefore('what', 'a', { position: 'B', overlap: 0 }),
      false,
      'texts go by their bytes',
    );
    await assert.rejects(view.table('order'), /did you mean "orders"/);
  });
});
