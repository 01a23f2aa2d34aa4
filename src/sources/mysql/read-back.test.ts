import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { dumpOf, restoreTo } from './testing.ts';

const servers = [
  { name: 'MariaDB', start: startMariadb, skip: skipWithout('mariadb') },
  { name: 'MySQL', start: startMysql, skip: skipWithoutMysql() },
];

/** Values that were taken with a warning only, and stay what they became. */
const warned = `
  set sql_mode = '';
  create table moods (id int primary key auto_increment, mood enum('good', 'bad'));
  insert into moods (mood) values ('good'), (''), ('unknown'), ('bad');
  create table shortened (id int primary key, whole varchar(20), part varchar(3) generated always as (whole) stored,
    number tinyint generated always as (id * 100) virtual, key (number));
  insert into shortened (id, whole) values (1, 'short'), (2, 'it''s \\tlonger\\n');
  create table doubled (s set('a', 'b', 'a')); insert into doubled values ('a,b');
  create table large (f float(30, 0)); insert into large values (1e40), (-1e40);
`;

for (const { name, start, skip } of servers)
  for (const infile of ['ON', 'OFF'])
    test(`what ${name} takes with a warning comes back as it was, with local_infile ${infile}`, {
      skip: skip ?? false,
    }, async () => {
      await using server = await start({ settings: [`local-infile=${infile}`] });
      await server.sql('create database shop');
      await server.sql(warned, 'shop');
      const dumped = await dumpOf(server, { url: server.url('shop') });
      const { failures } = await restoreTo(server, dumped, { url: server.url('copy') });
      assert.deepEqual(failures, []);
      assert.equal(await server.dump('copy'), await server.dump('shop'));
      const changed = dumped.map((entry) =>
        entry.path === 'shop/data/shortened/0000.tsv'
          ? { ...entry, content: Buffer.from("1\tshort\nx\tit's \\tlonger\\n\n") }
          : entry,
      );
      const other = await restoreTo(server, changed, { url: server.url('other') });
      assert.match(
        other.failures.map(({ error }) => error.message).join(),
        /^rows of shop.shortened could not be/,
      );
      assert.equal(await server.sql(`show tables like 'shortened'`, 'other'), '');
    });

test('what comes with a warning is found where names are kept in lower case', {
  skip: skipWithout('mariadb') ?? false,
}, async () => {
  await using server = await startMariadb();
  await server.sql('create database Shop');
  await server.sql(
    "set sql_mode = ''; create table Moods (m enum('good')); insert into Moods values ('x')",
    'Shop',
  );
  const dumped = await dumpOf(server, { url: server.url('Shop') });
  await using lower = await startMariadb({ settings: ['lower-case-table-names=1'] });
  const { failures } = await restoreTo(lower, dumped, { url: lower.url('Copy') });
  assert.deepEqual(failures, []);
  assert.equal(await lower.sql('select m + 0 from copy.moods'), '0');
});
