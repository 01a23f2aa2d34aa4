// From MariaDB to MySQL and back: what both know comes back, also under the other\'s names for it, and all else is named.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { dumpOf, restoreTo } from './testing.ts';

const skip = skipWithout('mariadb') ?? skipWithoutMysql() ?? false;

suite('a database of the other engine', { skip }, () => {
  let mariadb: MysqlServer;
  let mysql: MysqlServer;

  before(async () => {
    [mariadb, mysql] = await Promise.all([startMariadb(), startMysql()]);
    await mysql.sql('set global log_bin_trust_function_creators = 1');
  });
  after(async () => {
    await mariadb?.[Symbol.asyncDispose]();
    await mysql?.[Symbol.asyncDispose]();
  });

  const objects = (collation: string): string => `
    create table words (w varchar(20) primary key, f float, j json, note varchar(30) default 'utf8mb4_0900_ai_ci') collate ${collation};
    insert into words values ('Kelp é🐙', 0.1, '{"a": 1}', 'x'), ('weed', null, null, '');
    create view v as select w collate ${collation} as w from words;
    create function same(a varchar(9) character set utf8mb4 collate ${collation}) returns int deterministic return a = 'x';
    create trigger t before insert on words for each row set new.note = 'made';
    create event e on schedule every 1 day disable do delete from words;`;
  const seen = `select w, f, j, note from words; select w from v; insert into words (w) values ('new');
    select note, same('X'), @@collation_database from words where w = 'new'`;

  const defaults = 'insert into old () values (); select * from old';

  test('of MySQL comes to MariaDB, in collations that this knows', async () => {
    await mysql.sql(`create database shop; use shop; ${objects('utf8mb4_0900_ai_ci')}`);
    const dumped = await dumpOf(mysql, { url: mysql.url('shop') });
    const { failures, warnings } = await restoreTo(mariadb, dumped, { url: mariadb.url('from_mysql') });
    assert.deepEqual(failures, []);
    assert.deepEqual(warnings, [
      'the server does not know the collation utf8mb4_0900_ai_ci: utf8mb4_uca1400_nopad_ai_ci takes its place, by which text may sort and compare otherwise',
    ]);
    assert.equal(
      await mariadb.sql(seen, 'from_mysql'),
      'Kelp é🐙\t0.1\t{"a": 1}\tx\nweed\tNULL\tNULL\t\nKelp é🐙\nweed\nmade\t1\tutf8mb4_uca1400_nopad_ai_ci',
    );
    assert.match(await mariadb.sql('show create table words', 'from_mysql'), /DEFAULT 'utf8mb4_0900_ai_ci'/);
  });

  test('of MariaDB comes to MySQL; the modes of who wrote its routines, too', async () => {
    await mariadb.sql(
      `create database shop collate utf8mb4_uca1400_swedish_ai_ci; use shop; set sql_mode = default; ${objects('utf8mb4_uca1400_swedish_ai_ci')}`,
    );
    await mariadb.sql(
      `create table addresses (a inet6); insert into addresses values ('::1'); create table ruled (a int check (a > 0));
        create table old (a varchar(9) character set utf8mb3 collate utf8mb3_uca1400_as_ci, t text not null default 'it\\'s, ''so''', b longblob default 'é', j json default '[]')`,
      'shop',
    );
    await mariadb.sql('set check_constraint_checks = 0; insert into ruled values (-1)', 'shop');
    const dumped = await dumpOf(mariadb, { url: mariadb.url('shop') });
    const { failures, warnings } = await restoreTo(mysql, dumped, { url: mysql.url('from_mariadb') });
    const [address, rule, ...more] = failures.map(({ error }) => error.message);
    assert.match(address ?? '', /^table addresses could not .* near 'inet6 .*; 1 row of it in/s);
    assert.match(
      rule ?? '',
      /^rows of shop.ruled could not be restored: Check constraint .*; 1 row of it in/,
    );
    assert.deepEqual(more, []);
    assert.deepEqual(
      warnings.map((text) =>
        text.replace(/the server does not know the collation (.*) takes its place.*/, '$1'),
      ),
      ['utf8mb4_uca1400_swedish_ai_ci: utf8mb4_0900_ai_ci', 'utf8mb3_uca1400_as_ci: utf8mb3_unicode_520_ci'],
    );
    assert.equal(await mysql.sql(defaults, 'from_mariadb'), "NULL\tit's, 'so'\té\t[]");
    assert.equal(
      await mysql.sql(seen, 'from_mariadb'),
      'Kelp é🐙\t0.1\t{"a": 1}\tx\nweed\tNULL\tNULL\t\nKelp é🐙\nweed\nmade\t1\tutf8mb4_0900_ai_ci',
    );
  });

  test('what only one of them has is named with what to do', async () => {
    await mariadb.sql(`create database own; use own; create table t (a int); create sequence s; create user ann@'10.%' identified by 'secret'; grant select on own.* to ann@'10.%';
      set sql_mode = oracle;
delimiter ;;
create package tools as function f return int; end;;
`);
    const dumped = await dumpOf(mariadb, { databases: ['own'], users: true });
    const { failures } = await restoreTo(mysql, dumped, { databases: 'all' });
    const hints = failures.map(({ error }) => [
      error.message.replace(/ could not.*/s, ''),
      error instanceof HoldfastError ? error.hint?.split(':')[0] : error,
    ]);
    const users = 'MariaDB and MySQL keep users and passwords each in its own way';
    assert.deepEqual(
      hints.filter(([name]) => !/admin|root/.test(`${name}`)),
      [
        [`user 'ann'@'10.%'`, users],
        ['sequence s', 'only MariaDB has sequences'],
        ['package tools', 'its text is in post-data.sql of the snapshot'],
      ],
    );
  });
});
