import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { dumpOf, restoreTo } from './testing.ts';

const servers = [
  { name: 'MariaDB', start: startMariadb, skip: skipWithout('mariadb') },
  { name: 'MySQL', start: startMysql, skip: skipWithoutMysql() },
];

/** Their variables are in the character set that the database had. */
const older = `
  create table t (a int);
  create function own() returns varchar(40) deterministic no sql begin declare v varchar(20) default 'x'; return concat(charset(v), ' ', collation(v)); end;;
  create trigger before_all before insert on t for each row set @own = 1;;
  create event nightly on schedule every 1 day starts '2030-01-01 00:00:00' disable do delete from t;;`;

for (const { name, start, skip } of servers)
  test(`what ${name} runs keeps the collation that its database had when it was written`, {
    skip: skip ?? false,
  }, async () => {
    await using server = await start();
    await server.sql('create database shop collate latin1_bin');
    await server.client(['shop'], older.replace(';', ';\ndelimiter ;;\n'));
    await server.sql('alter database shop collate utf8mb4_bin');
    await server.sql('create procedure newer() select 1', 'shop');
    const dumped = await dumpOf(server, { url: server.url('shop') });
    const { failures, warnings } = await restoreTo(server, dumped, { url: server.url('copy') });
    assert.deepEqual([failures, warnings], [[], []]);
    await server.sql('create database stock collate utf8mb4_bin');
    for (const file of ['01-tables.sql', 'post-data.sql'])
      await server.client(['stock'], dumped.find(({ path }) => path === `shop/${file}`)?.content ?? '');
    const original = await collations(server, 'shop');
    assert.match(original, /own\tlatin1_bin\n/);
    for (const copy of ['copy', 'stock']) {
      assert.equal(await collations(server, copy), original);
      assert.equal(await server.dump(copy), (await server.dump('shop')).replaceAll('`shop`', `\`${copy}\``));
      assert.equal(await server.sql('select own()', copy), await server.sql('select own()', 'shop'));
    }
  });

/** As a client in Latin-1 says it. */
const inLatin1 = `set names latin1;
  create table té (cé int);
  create procedure pé(aé int) comment 'cé' begin declare vé int; select 'sé' as zé; end;;
  create function fé(aé int) returns varchar(20) deterministic comment 'it''s cé' return concat('sé', aé);;
  create trigger tré before insert on té for each row set new.cé = length('sé');;
  create event eé on schedule every '1 1' day_hour starts '2030-01-01' disable comment ' DO cé' do insert into té values (length('sé'));;
  create definer = 'ué'@'%' procedure dé() select 'sé';;
  create view wé as select cé, 'sé' as zé from té;;`;

for (const { name, start, skip } of servers)
  test(`what was written to ${name} in another character set keeps its names and comments`, {
    skip: skip ?? false,
  }, async () => {
    await using server = await start();
    await server.sql('create database shop collate utf8mb4_bin');
    const script = inLatin1.replace('int);', 'int);\ndelimiter ;;\n');
    await server.client(['shop'], Buffer.from(script, 'latin1'));
    const dumped = await dumpOf(server, { url: server.url('shop') });
    const { failures } = await restoreTo(server, dumped, { url: server.url('copy') });
    assert.deepEqual(failures, []);
    const names = (database: string): Promise<string> =>
      server.sql(`set names utf8mb4;
        select routine_name, routine_comment, definer, hex(routine_definition) from information_schema.routines where routine_schema = '${database}' order by 1;
        select trigger_name, event_object_table, hex(action_statement) from information_schema.triggers where trigger_schema = '${database}';
        select event_name, event_comment, hex(event_definition) from information_schema.events where event_schema = '${database}'`);
    assert.match(await names('shop'), /it's cé/);
    assert.equal(await names('copy'), await names('shop'));
    assert.equal(await server.sql('insert into `té` values (5); select * from `wé`', 'copy'), '2\tsé');
  });

const collations = (server: MysqlServer, database: string): Promise<string> =>
  server.sql(`
    select routine_name, database_collation from information_schema.routines where routine_schema = '${database}' order by 1;
    select trigger_name, database_collation from information_schema.triggers where trigger_schema = '${database}';
    select event_name, database_collation from information_schema.events where event_schema = '${database}';
    select default_collation_name from information_schema.schemata where schema_name = '${database}'`);
