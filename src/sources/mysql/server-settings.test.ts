import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { dumpOf, restoreTo } from './testing.ts';

const common = [
  'explicit-defaults-for-timestamp=OFF',
  'transaction-isolation=READ-COMMITTED',
  'completion-type=RELEASE',
  'sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT',
  'default-storage-engine=MyISAM',
  'character-set-server=latin1',
  'autocommit=0',
];
const servers = {
  MariaDB: {
    start: startMariadb,
    skip: skipWithout('mariadb'),
    settings: ['max-statement-time=0.3', 'binlog-format=STATEMENT'],
  },
  MySQL: {
    start: startMysql,
    skip: skipWithoutMysql(),
    settings: ['sql-require-primary-key=ON', 'sql-generate-invisible-primary-key=ON'],
  },
};
const asMeant = {
  MariaDB:
    "autocommit = 1, completion_type = 0, sql_mode = '', explicit_defaults_for_timestamp = 1, binlog_format = row",
  MySQL: `autocommit = 1, completion_type = 0, sql_mode = '', explicit_defaults_for_timestamp = 1,
    sql_require_primary_key = 0, sql_generate_invisible_primary_key = 0, restrict_fk_on_non_standard_key = 0`,
};
/** What every session begins with. */
const forOthers = {
  MariaDB: ['tx_read_only', 'innodb_compression_default'],
  MySQL: ['transaction_read_only'],
};
const tables = String.raw`
  create table t (at timestamp not null, note varchar(20) default 'a"b\\c' comment 'back\\slash') engine=InnoDB;
  insert into t values ('2026-01-01', '\\');
  create table parent (a int, b int, key (a)) engine=InnoDB;
  create table child (a int, constraint f foreign key (a) references parent (a)) engine=InnoDB;`;

for (const [name, { start, skip, settings }] of Object.entries(servers))
  test(`how a ${name} is set up changes nothing that is kept or restored`, {
    skip: skip ?? false,
  }, async () => {
    await using server = await start({ settings: [...common, ...settings] });
    await server.sql('create database shop');
    await server.sql(`set ${asMeant[name as keyof typeof asMeant]}; ${tables}`, 'shop');
    if (name === 'MariaDB') await server.sql('create sequence s start 5', 'shop');
    const others = ['sql_select_limit', ...forOthers[name as keyof typeof forOthers]];
    await server.sql(`set ${others.map((variable) => `global ${variable} = 1`).join(', ')}`);
    const dumped = await dumpOf(server, { url: server.url('shop') });
    await restoreTo(server, dumped, { url: server.url('copy') });
    await server.sql(`set ${others.map((variable) => `global ${variable} = default`).join(', ')}`);
    assert.equal(await server.dump('copy'), await server.dump('shop'));
  });
