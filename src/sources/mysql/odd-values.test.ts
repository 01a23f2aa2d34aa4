// Values that a server takes for others when they are simply given back to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { textAt } from '../testing.ts';
import { dumpOf, restoreTo } from './testing.ts';

const servers = {
  MariaDB: { start: startMariadb, skip: skipWithout('mariadb') },
  MySQL: { start: startMysql, skip: skipWithoutMysql() },
};
const tables = `create table unnumbered (id int auto_increment null, v int, key (id));
  insert into unnumbered (id, v) values (5, 1); insert into unnumbered (v) values (2), (3);
  create table chosen (id int primary key, a enum('', 'a'), b enum('x', '') character set ucs2, c enum('', '0'), d enum('it''s', ''',''', '0'));
  insert ignore into chosen values (1, '', '', '', 'it''s'), (2, 'none', 'none', '0', ''','''), (3, 'a', 'x', '', 'none'), (4, null, null, null, null);`;
const rows = `select * from unnumbered order by v; select id, a + 0, b + 0, c + 0, d + 0 from chosen order by id`;

for (const [name, { start, skip }] of Object.entries(servers))
  test(`${name} gets back numbers that are lacking, and invalid values of an ENUM`, {
    skip: skip ?? false,
  }, async () => {
    await using server = await start();
    await server.sql(`set sql_mode = ''; create database odd; use odd; ${tables}`);
    const dumped = await dumpOf(server, { url: server.url('odd') });
    assert.equal(textAt(dumped, 'odd/data/chosen/0000.tsv').split('\n')[1]?.split('\t')[1], '0');
    const expected = await server.sql(rows, 'odd');
    assert.match(
      expected,
      /^5\t1\nNULL\t2\nNULL\t3\n1\t1\t2\t1\t1\n2\t0\t0\t2\t2\n3\t2\t1\t1\t0\n4(\tNULL){4}$/,
    );
    for (const loads of [0, 1]) {
      await server.sql(`set global local_infile = ${loads}`);
      const { failures, warnings } = await restoreTo(server, dumped, { url: server.url(`copy_${loads}`) });
      assert.deepEqual([failures, warnings], [[], []]);
      assert.equal(await server.sql(rows, `copy_${loads}`), expected);
    }
  });
