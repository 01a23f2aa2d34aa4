// The whole database as one file: by the stock client, and taken apart again. And rows in the order of a column.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { plainDumperOf, rowReaderOf, type Source } from '../source.ts';
import { mysql } from './mysql.ts';

suite('one file for a database of MariaDB', { skip: skipWithout('mariadb') }, () => {
  let server: MysqlServer;
  before(async () => {
    server = await startMariadb();
    await server.sql(`create database shop character set utf8mb4; create database copy; create database again;
      use shop;
      create table orders (id int primary key auto_increment, what text, at datetime(3), price decimal(8,2), raw blob,
        doc json, ratio float, twice int generated always as (id * 2), unique (what(20)));
      insert into orders (what, at, price, raw, doc, ratio) values
        ('it''s \\\\ a "tab"\\t', '2026-11-21 03:30:00.125', 1.50, x'00ff5c270a', '{"a": "Größe"}', 0.1),
        ('-- Holdfast plain dump 1', null, -2, '', '[]', 3e30), ('', '2026-11-21 03:30:00', null, null, null, null);
      create table latin (t varchar(20) character set latin1); insert into latin values ('Größe');
      create sequence numbers; select nextval(numbers);
      create view dear as select * from orders where price > 1;
      create trigger t before insert on latin for each row set new.t = upper(new.t);`);
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const open = (database: string): Promise<Source> =>
    mysql.open(mysql.config.parse({ url: server.url(database) }), {
      name: 'shop',
      signal: new AbortController().signal,
      log: silentLog,
      clock: systemClock,
    });
  const dumpOf = async (database: string): Promise<Buffer> => {
    await using source = await open(database);
    for await (const dump of plainDumperOf(source)?.plainDumps() ?? []) {
      assert.equal(dump.database, database);
      return Buffer.concat(await Array.fromAsync(dump.content(), (chunk) => Buffer.from(chunk)));
    }
    return assert.fail('no dump');
  };

  test('the stock client loads it, and nothing differs', async () => {
    await server.client(['copy'], await dumpOf('shop'));
    assert.equal(await server.dump('copy'), (await server.dump('shop')).replaceAll('`shop`.', '`copy`.'));
  });

  test('Holdfast takes it apart and restores it', async () => {
    const bytes = await dumpOf('shop');
    await using target = await open('again');
    const entries = plainDumperOf(target)?.readPlain(cut(bytes)) ?? assert.fail();
    await target.restore(entries, { force: false, rename: [], sequential: true });
    assert.equal(await server.dump('again'), (await server.dump('shop')).replaceAll('`shop`.', '`again`.'));
  });

  test('a file that is cut short is refused', async () => {
    const bytes = await dumpOf('shop');
    await using target = await open('copy');
    const entries = plainDumperOf(target)?.readPlain(cut(bytes.subarray(0, -60))) ?? assert.fail();
    await assert.rejects(Array.fromAsync(entries), { code: 'TARGET_FAILED' });
  });

  test('rows come in the order of a column, from a position less an overlap on', async () => {
    await using source = await open('shop');
    await using view = (await rowReaderOf(source)?.openRows()) ?? assert.fail();
    const table = await view.table('orders');
    assert.deepEqual(table.key, ['id']);
    const rows = (await Array.fromAsync(table.rows({ orderBy: 'at', thenBy: ['id'] }))).flat();
    assert.deepEqual(
      rows.map((row) => row.slice(0, 8)),
      [
        ['3', '', '2026-11-21 03:30:00.000', null, null, null, null, '6'],
        [
          '1',
          'it\'s \\ a "tab"\t',
          '2026-11-21 03:30:00.125',
          '1.50',
          '00FF5C270A',
          '{"a": "Größe"}',
          '0.10000000149011612',
          '2',
        ],
      ],
    );
    const last = (await table.last('at')) ?? assert.fail();
    const from = { position: last, overlap: 1 };
    assert.equal((await Array.fromAsync(table.rows({ orderBy: 'at', thenBy: [], from }))).flat().length, 2);
    assert.equal(await table.isBefore('at', '2026-11-21 03:29:00', from), true);
    assert.equal(await table.isBefore('at', last, from), false);
    assert.equal(await table.withoutValue('at'), 1);
    const latin = await view.table('latin');
    const [batch] = await Array.fromAsync(latin.rows({ orderBy: 't', thenBy: [] }));
    assert.equal(batch?.[0]?.[0], 'Größe');
    await assert.rejects(view.table('order'), /did you mean "orders"/);
  });
});

/** In pieces that end anywhere. */
async function* cut(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 97) yield bytes.subarray(at, at + 97);
}
