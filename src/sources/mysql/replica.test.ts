import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { manifestSchema } from '../manifest.ts';
import { type CapturedEntry, textAt } from '../testing.ts';
import { dumpOf, restoreTo } from './testing.ts';

suite('a replica of MariaDB', { skip: skipWithout('mariadb') ?? false }, () => {
  let primary: MysqlServer;
  /** It has a binary log, and what it takes over is not in it, as MariaDB has it unless told. */
  let replica: MysqlServer;
  before(async () => {
    primary = await startMariadb({ settings: ['gtid-domain-id=3'] });
    replica = await startMariadb({ settings: ['server-id=2', 'read-only=1'] });
    await primary.sql(
      `reset master; create user repl@'127.0.0.1' identified by 'r'; grant replication slave on *.* to repl@'127.0.0.1';
       create database bank; use bank; create table a (id int primary key, money int); create table b like a;
       insert into a select seq, 100 from seq_1_to_3000; insert into b select * from a;
       create user few@'127.0.0.1' identified by 'f'; grant select, show view, trigger, event on bank.* to few@'127.0.0.1'`,
    );
    await replica.sql(
      `reset master; change master to master_host = '127.0.0.1', master_port = ${primary.port}, master_user = 'repl',
         master_password = 'r', master_use_gtid = slave_pos; start slave`,
    );
    await caughtUp();
  });
  after(async () => {
    await replica?.[Symbol.asyncDispose]();
    await primary?.[Symbol.asyncDispose]();
  });

  const caughtUp = async (): Promise<string> => {
    const position = await primary.sql('select @@gtid_binlog_pos');
    assert.equal(await replica.sql(`select master_gtid_wait('${position}', 30)`), '0');
    return position;
  };
  const positionOf = (entries: readonly CapturedEntry[]) =>
    manifestSchema.parse(JSON.parse(textAt(entries, 'bank/manifest.json'))).position;
  const moneyIn = (entries: readonly CapturedEntry[], table: string): number =>
    textAt(entries, `bank/data/${table}/0000.tsv`)
      .split('\n')
      .reduce((sum, line) => sum + Number(line.split('\t')[1] ?? 0), 0);

  test('is read in one state, though its log does not tell what it takes over', async () => {
    const written = primary.sql(
      `delimiter //
       begin not atomic for i in 1..12000 do
         start transaction; update a set money = money - 1 where id = 1 + i % 3000; update b set money = money + 1 where id = 1 + i % 3000; commit;
       end for; end //`,
      'bank',
    );
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const few = { url: replica.url('bank', 'few', 'f'), routines: false, connections: 3 };
      const dumped = await dumpOf(replica, few);
      assert.equal(moneyIn(dumped, 'a') + moneyIn(dumped, 'b'), 600_000);
    }
    await written;
  });

  test('tells how far it has taken over what its primary sent', async () => {
    const position = await caughtUp();
    const dumped = await dumpOf(replica, { url: replica.url('bank') });
    assert.match(position, /^3-1-\d+$/);
    assert.equal(positionOf(dumped).gtid_slave_pos, position);
    assert.equal(positionOf(await dumpOf(primary, { url: primary.url('bank') })).gtid_slave_pos, undefined);
  });

  test('that takes no writes says so, and where to restore instead', async () => {
    const dumped = await dumpOf(replica, { url: replica.url('bank') });
    await replica.sql(
      `set sql_log_bin = 0; create user app@'127.0.0.1' identified by 'a'; grant all on copy.* to app@'127.0.0.1'`,
    );
    await assert.rejects(restoreTo(replica, dumped, { url: replica.url('copy', 'app', 'a') }), {
      code: 'TARGET_FAILED',
      hint: /the primary/,
    });
  });
});
