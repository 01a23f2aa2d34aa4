// What a server refuses of a database costs nothing else of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { plural } from '#lib/format.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { edited } from '../testing.ts';
import { dumpOf, restoreTo } from './testing.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;

before(async () => {
  if (skip) return;
  server = await startPostgres();
  await server.psql('postgres', 'create database shop');
  await server.psql(
    'shop',
    `create table country (code text primary key);
    create table orders (id int generated always as identity primary key, country text references country, paid bool default true check (paid));
    create index on orders (country); comment on table orders is 'all'; comment on column orders.id is 'one by one';
    create schema back; create table back.item (id serial primary key, place int references orders); create view unpaid as select * from orders where not paid;
    create function touch() returns trigger language plpgsql as 'begin return new; end';
    create trigger touched before update on orders for each row execute function touch();
    insert into country values ('CH'); insert into orders (country) select 'CH' from generate_series(1, 5); insert into back.item (place) values (3)`,
  );
});

after(async () => await server?.[Symbol.asyncDispose]());

const restored = async (entries: Awaited<ReturnType<typeof dumpOf>>, name: string) =>
  (await restoreTo(server, entries, { url: server.url(name) })).failures.map(
    ({ path, error }) => `${path}: ${error.message}`,
  );

const dumped = async () => await dumpOf(server, { url: server.url('shop') });

test('a table that the server refuses is named with its rows and with what needs it, and all else is there', {
  skip,
}, async () => {
  const other = edited(await dumped(), '01-pre-data.sql', (sql) =>
    sql.replace('country text,', 'country lost_type,'),
  );
  assert.deepEqual(await restored(other, 'without_table'), [
    'shop/data/public.orders/0000.copy: table public.orders could not be restored: type "lost_type" does not exist; 5 rows of it in the snapshot only',
    'shop/01-pre-data.sql: view public.unpaid could not be restored: relation "public.orders" does not exist',
    'shop/post-data.sql: fk constraint back.item item_place_fkey could not be restored: relation "public.orders" does not exist',
  ]);
  assert.equal(
    await server.psql('without_table', `select place, nextval('back.item_id_seq') from back.item, country`),
    '3|2',
  );
});

test('nothing is said twice of a schema that the server refuses', { skip }, async () => {
  const other = edited(await dumped(), '01-pre-data.sql', (sql) =>
    sql.replace('CREATE SCHEMA back', 'CREATE SCHEMA pg_back'),
  );
  assert.deepEqual(await restored(other, 'without_schema'), [
    'shop/01-pre-data.sql: schema back could not be restored: unacceptable schema name "pg_back" (The prefix "pg_" is reserved for system schemas.)',
    'shop/data/back.item/0000.copy: table back.item could not be restored: schema "back" does not exist; 1 row of it in the snapshot only',
    'shop/01-pre-data.sql: sequence back.item_id_seq could not be restored: schema "back" does not exist',
  ]);
  assert.equal(await server.psql('without_schema', 'select count(*) from orders'), '5');
});

test('rows that the server refuses are counted, and the other ranges of their table are there', {
  skip,
}, async () => {
  await server.psql('postgres', 'create database long');
  await server.psql(
    'long',
    `create table long (id int primary key, pad text); alter table long alter pad set storage plain;
    insert into long select n, repeat(md5(n::text), 30) from generate_series(1, 20000) n; create table other (id int); insert into other values (1)`,
  );
  const entries = await dumpOf(server, { url: server.url('long'), rangeMiB: 4 });
  const ranges = entries.filter(({ path }) => path.includes('/public.long/'));
  assert.ok(ranges.length > 2, `${ranges.length}`);
  const second = ranges[1]?.content?.toString() ?? '';
  const other = edited(entries, 'public.long/0001.copy', (rows) => rows.replace('\n', '\textra\n'));
  const lost = second.split('\n').length - 1;
  assert.deepEqual(await restored(other, 'long_copy'), [
    `long/data/public.long/0001.copy: rows of public.long could not be restored: extra data after last expected column; ${plural(lost, 'row')} of it in the snapshot only`,
  ]);
  assert.equal(
    await server.psql('long_copy', 'select count(*), (select id from other) from long'),
    `${20000 - lost}|1`,
  );
});

test('a database that is replaced stays as it was, and all that is refused is told', { skip }, async () => {
  await server.psql('postgres', 'create database kept');
  await server.psql('kept', 'create table precious (id int)');
  const other = edited(await dumped(), '01-pre-data.sql', (sql) =>
    sql.replace('country text,', 'country lost_type,').replace('code text', 'code other_type'),
  );
  await assert.rejects(
    restoreTo(server, other, { url: server.url('kept') }, { force: true }),
    /kept was left as it was: .*other_type.*; .*lost_type/,
  );
  assert.equal(await server.psql('kept', 'select count(*) from precious'), '0');
});

test('where no table can be made, nothing is left behind', { skip }, async () => {
  const other = edited(await dumped(), '01-pre-data.sql', (sql) =>
    sql.replaceAll(/CREATE TABLE \w+\.\w+ \(/g, '$&lost lost_type,'),
  );
  await assert.rejects(restored(other, 'nothing'), /type "lost_type" does not exist/);
  const made = `select count(*) from pg_database where datname like 'nothing%' or datname like '%holdfast%'`;
  assert.equal(await server.psql('postgres', made), '0');
});
