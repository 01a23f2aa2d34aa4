import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import type { RestoreTarget } from '../source.ts';
import type { CapturedEntry } from '../testing.ts';
import { partOf } from '../testing.ts';
import { tablePath } from './layout.ts';
import { dumpOf, restoreTo } from './testing.ts';
import { manyKinds, roles } from './testing-database.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;
let dumped: readonly CapturedEntry[];
let number = 0;

before(async () => {
  if (skip) return;
  server = await startPostgres();
  await server.psql('postgres', `${roles} create database shop`);
  await server.psql('shop', manyKinds);
  // Else what is made anew later is granted more than what was there.
  await server.psql('shop', 'alter default privileges in schema sales revoke select on tables from reader');
  dumped = await dumpOf(server, { url: server.url('shop'), rangeMiB: 1 });
});
after(async () => await server?.[Symbol.asyncDispose]());

/** A database like the original, to do damage to. */
const copyOfShop = async (): Promise<string> => {
  number += 1;
  const name = `copy_${number}`;
  await server.psql('postgres', `create database ${name} template shop`);
  return name;
};
const restorePart = (database: string, selection: readonly string[], into: Partial<RestoreTarget> = {}) =>
  restoreTo(server, partOf(dumped, ...selection), { url: server.url(database) }, { selection, ...into });
const orders = ['shop/data/public.orders'];
const countOf = (database: string, table: string) => server.psql(database, `select count(*) from ${table}`);

test('a table that was dropped comes back as it was, with all that belongs to it', { skip }, async () => {
  const database = await copyOfShop();
  const before = await server.pgDump(database);
  await server.psql(database, 'drop publication pub; drop table orders cascade');
  await restorePart(database, ['shop/data/public.orders']);
  const only = ['--table=orders', '--table=orders_id_seq'];
  assert.equal(sorted(await server.pgDump(database, ...only)), sorted(await server.pgDump('shop', ...only)));
  assert.ok(before.length > 0);
});

test('a table comes with the types of its columns where they are missing; what else it needs is told', {
  skip,
}, async () => {
  await server.psql('postgres', 'create database typed; create database typed_back');
  await server.psql(
    'typed',
    `create schema kinds; create type kinds."Colour" as enum ('red', 'blue'); create type unused as enum ('a');
    create domain shade as kinds."Colour" not null; comment on domain shade is 'dark'; revoke usage on type shade from public;
    create table painted (id int, shade shade, others kinds."Colour"[]); insert into painted values (1, 'red', '{blue}');
    create function answer() returns int language sql as 'select 42'; create table asking (id int default answer())`,
  );
  const entries = await dumpOf(server, { url: server.url('typed') });
  const into = (table: string) => {
    const selection = [`typed/data/public.${table}`];
    return restoreTo(server, partOf(entries, ...selection), { url: server.url('typed_back') }, { selection });
  };
  const { warnings } = await into('painted');
  assert.deepEqual(warnings, [
    'type kinds.Colour was missing: it was created',
    'domain public.shade was missing: it was created',
  ]);
  await assert.rejects(into('asking'), {
    message: /function public.answer\(\) does not exist/,
    hint: /make first what the database lacks/,
  });
  await server.psql('typed', 'drop table asking; drop function answer; drop type unused');
  assert.equal(await server.pgDump('typed_back'), await server.pgDump('typed'));
});

test('a table comes back whose name and schema have line breaks, beside one that has spaces there', {
  skip,
}, async () => {
  for (const name of ['lines', 'lines_back']) await server.psql('postgres', `create database ${name}`);
  await server.psql(
    'lines',
    ['a\nb', 'a b']
      .map(
        (
          name,
        ) => `create schema "${name}"; create table "${name}"."${name}" (id serial primary key, "${name}" int check ("${name}" > 0));
        insert into "${name}"."${name}" ("${name}") values (7); create index "i${name}" on "${name}"."${name}" ("${name}");
        comment on index "${name}"."i${name}" is 'mine'`,
      )
      .join(';'),
  );
  const entries = await dumpOf(server, { url: server.url('lines') });
  const back = { url: server.url('lines_back') };
  for (const name of ['a\nb', 'a b']) {
    const selection = [`lines/${tablePath({ schema: name, name })}`];
    const rename = [[`${name}.${name}`, 'public.beside']] as const;
    for (const into of [{ selection }, { selection, rename }])
      assert.deepEqual((await restoreTo(server, partOf(entries, ...selection), back, into)).failures, []);
    assert.equal(await server.psql('lines_back', `select "${name}" from public.beside`), '7');
    await server.psql('lines_back', 'drop table public.beside');
  }
  assert.equal(sorted(await server.pgDump('lines_back')), sorted(await server.pgDump('lines')));
});

test('a table with rows is refused, and with force gets the rows of the backup', { skip }, async () => {
  const database = await copyOfShop();
  await server.psql(
    database,
    `delete from orders where id % 2 = 0; update orders set note = 'changed'; select setval('orders_id_seq', 20000)`,
  );
  await assert.rejects(restorePart(database, orders), (error) => hasCode(error, 'TARGET_NOT_EMPTY'));
  assert.equal(await countOf(database, 'orders'), '6000');
  const { failures } = await restorePart(database, orders, { force: true });
  assert.deepEqual(failures, []);
  const content = `set datestyle = iso; select md5(string_agg(o::text, '' order by id)) from orders o`;
  assert.equal(await server.psql(database, content), await server.psql('shop', content));
  assert.equal(
    await server.psql(database, `select nextval('orders_id_seq')`),
    '20001',
    'a sequence in use goes only forward',
  );
  const triggers = `select tgname, tgenabled from pg_trigger where tgrelid = 'orders'::regclass and not tgisinternal order by 1`;
  assert.equal(await server.psql(database, triggers), await server.psql('shop', triggers));
});

test('a table comes to stand beside the original under another name', { skip }, async () => {
  const database = await copyOfShop();
  await server.psql(database, `update orders set note = 'changed'`);
  const { warnings } = await restorePart(database, orders, { rename: [['public.orders', 'orders_old']] });
  assert.equal(await server.psql(database, `select count(*) from orders where note <> 'changed'`), '0');
  const content = (table: string) =>
    `set datestyle = iso; select md5(string_agg(o::text, '' order by id)) from ${table} o`;
  assert.equal(
    await server.psql(database, content('orders_old')),
    await server.psql('shop', content('orders')),
  );
  const names = `select string_agg(indexrelid::regclass::text, ',' order by 1) from pg_index where indrelid = 'orders_old'::regclass`;
  assert.deepEqual((await server.psql(database, names)).split(',').toSorted(), [
    'orders_old_lower_total_idx',
    'orders_old_note',
    'orders_old_nulls',
    'orders_old_pkey',
  ]);
  assert.match(
    await server.psql(database, `select pg_get_serial_sequence('orders_old', 'id')`),
    /orders_old_id_seq/,
  );
  assert.equal(await server.psql(database, `insert into orders_old default values returning id`), '12001');
  assert.ok(
    warnings.some((warning) => warning.includes('trigger public.orders audited')),
    warnings.join('\n'),
  );
  assert.equal(
    await server.psql(database, `select count(*) from pg_namespace where nspname like 'holdfast%'`),
    '0',
  );
  await assert.rejects(restorePart(database, orders, { rename: [['orders', 'orders_old']] }), (error) =>
    hasCode(error, 'TARGET_NOT_EMPTY'),
  );
});

test('a table beside the original counts for itself, also where every name is quoted', { skip }, async () => {
  await server.psql(
    'postgres',
    'create database quoting; alter database quoting set quote_all_identifiers = on',
  );
  await server.psql('quoting', 'create table t (id serial, note text); insert into t (note) values (null)');
  const quoting = partOf(await dumpOf(server, { url: server.url('quoting') }), 'quoting/data/public.t');
  const into = { selection: ['quoting/data/public.t'], rename: [['public.t', 'u']] } as const;
  await restoreTo(server, quoting, { url: server.url('quoting') }, into);
  assert.equal(await server.psql('quoting', 'insert into u default values returning id'), '2');
  assert.equal(await server.psql('quoting', 'insert into t default values returning id'), '2');
});

test('comments on triggers, rules and foreign keys come back with these, or stay away with them', {
  skip,
}, async () => {
  const tables = `create table parent (id int primary key); create table child (id int primary key, parent int references parent);
    create function hold() returns trigger language plpgsql as 'begin return new; end';
    create trigger holds before insert on child for each row execute function hold(); create rule quiet as on delete to child do instead nothing;
    comment on trigger holds on child is 't'; comment on rule quiet on child is 'r'; comment on constraint child_parent_fkey on child is 'f';
    comment on constraint child_pkey on child is 'p'`;
  await server.psql('postgres', 'create database noted');
  await server.psql('noted', tables);
  const noted = partOf(await dumpOf(server, { url: server.url('noted') }), 'noted/data/public.child');
  const restore = (into: Partial<RestoreTarget>) =>
    restoreTo(
      server,
      noted,
      { url: server.url('noted') },
      { selection: ['noted/data/public.child'], ...into },
    );
  const before = await server.pgDump('noted');
  const beside = await restore({ rename: [['public.child', 'other']] });
  assert.equal(beside.warnings.filter((warning) => /comment/.test(warning)).length, 3);
  await server.psql('noted', 'drop table other; drop table child');
  assert.deepEqual((await restore({})).warnings, []);
  assert.equal(await server.pgDump('noted'), before);
  await server.psql('noted', 'drop table child; drop table parent');
  const lacking = await restore({});
  assert.match(lacking.warnings.join('\n'), /child_parent_fkey.*\n.*comment.*child_parent_fkey/);
});

test('an heir beside the original does not show up in the parent', { skip }, async () => {
  const database = await copyOfShop();
  await restorePart(database, ['shop/data/public.birds'], { rename: [['public.birds', 'sales.ducks']] });
  assert.equal(await server.psql(database, 'select name, legs, wings from sales.ducks'), 'owl|2|2');
  assert.equal(await countOf(database, 'animals'), '2');
  await restorePart(database, ['shop/data/public.birds'], { rename: [['public.birds', 'sales.birds']] });
  assert.equal(await countOf(database, 'sales.birds'), '1');
});

test('rows that others refer to are replaced when no reference breaks, else nothing changes', {
  skip,
}, async () => {
  const database = await copyOfShop();
  const customers = ['shop/data/public.customers'];
  await server.psql(database, `update customers set email = 'x' || id`);
  await restorePart(database, customers, { force: true });
  const emails = `select md5(string_agg(email, '' order by id)) from customers`;
  assert.equal(await server.psql(database, emails), await server.psql('shop', emails));
  await server.psql(
    database,
    `insert into customers (id, email) overriding system value values (9999, 'new'); insert into orders (customer, total) values (9999, 1)`,
  );
  await assert.rejects(restorePart(database, customers, { force: true }), /would refer to/);
  assert.equal(await server.psql(database, 'select email from customers where id = 9999'), 'new');
});

test('rows refer to a partition, or to a table with heirs, as the server itself looks at it', {
  skip,
}, async () => {
  await server.psql('postgres', 'create database keyed');
  await server.psql(
    'keyed',
    `create table rooms (id int primary key, up int) partition by list (id);
    create table rooms_1 partition of rooms for values in (1); create table rooms_2 partition of rooms for values in (2, 3);
    insert into rooms values (1, null), (2, 1), (3, 2); alter table rooms add foreign key (up) references rooms;
    create table stays (room int references rooms); insert into stays values (1), (2);
    create table places (id int primary key, name text); create table old_places () inherits (places); insert into places values (1, 'a');
    create table trips (place int references places); create table old_trips () inherits (trips);
    insert into trips values (1); insert into old_trips values (7)`,
  );
  const backup = await dumpOf(server, { url: server.url('keyed') });
  const replace = async (table: string) => {
    const selection = [`keyed/data/public.${table}`];
    await restoreTo(
      server,
      partOf(backup, ...selection),
      { url: server.url('keyed') },
      { selection, force: true },
    );
  };
  const unchecked = 'set session_replication_role = replica;';
  await server.psql('keyed', `${unchecked} delete from rooms where id = 2; update places set name = 'b'`);
  for (const table of ['rooms_2', 'rooms_1', 'places']) await replace(table);
  assert.equal(await server.psql('keyed', 'select count(*), min(name) from rooms, places'), '3|a');
  await server.psql('keyed', 'insert into stays values (3)');
  await server.psql('keyed', `${unchecked} insert into stays values (4)`);
  await assert.rejects(replace('rooms_1'), /public.stays would refer to rows of public.rooms that/);
  await server.psql(
    'keyed',
    `delete from stays where room = 4; insert into places values (2); insert into old_places values (2); insert into trips values (2)`,
  );
  await assert.rejects(replace('places'), /public.trips would refer to rows of public.places that/);
});

test('what is to be done is said where a check refuses rows that were there before it', {
  skip,
}, async () => {
  await server.psql('postgres', 'create database checked');
  await server.psql(
    'checked',
    'create table t (id int); insert into t values (-1); alter table t add constraint positive check (id > 0) not valid',
  );
  const selection = ['checked/data/public.t'];
  const checked = partOf(await dumpOf(server, { url: server.url('checked') }), ...selection);
  const restore = () =>
    restoreTo(server, checked, { url: server.url('checked') }, { selection, force: true });
  await assert.rejects(restore(), { hint: /the check of that name refuses .* --as/ });
  await server.psql('checked', 'alter table t drop constraint positive');
  await restore();
  assert.equal(await server.psql('checked', 'select id from t'), '-1');
});

test('a schema that was dropped comes back with its functions, views and types', { skip }, async () => {
  const database = await copyOfShop();
  const sales = ['--schema=sales'];
  await server.psql(database, 'drop extension hstore cascade; drop schema sales cascade');
  await restorePart(database, ['shop/data/sales.*']);
  assert.equal(
    await server.psql(database, 'select sales.twice(2), count(*) from sales.events_2024_a'),
    '4|26',
  );
  const other = await copyOfShop();
  await server.psql(
    other,
    'drop function sales.twice; drop materialized view sales.top_names; drop table sales.events_2024_a',
  );
  const { failures, warnings } = await restorePart(other, ['shop/data/sales.*']);
  assert.deepEqual(failures, []);
  assert.equal(sorted(await server.pgDump(other, ...sales)), sorted(await server.pgDump('shop', ...sales)));
  assert.ok(warnings.some((warning) => warning.startsWith('kept as it is: schema sales')));
});

test('a partitioned table brings its partitions', { skip }, async () => {
  const database = await copyOfShop();
  await server.psql(database, 'drop table events');
  const selection = ['shop/data/public.events'];
  const entries = partOf(dumped, ...selection, 'shop/data/public.events_*', 'shop/data/sales.events_*');
  const { failures, warnings } = await restoreTo(
    server,
    entries,
    { url: server.url(database) },
    { selection },
  );
  assert.deepEqual([failures, warnings], [[], []]);
  const only = ['--table=*events*', '--table=sales.*events*'];
  assert.equal(sorted(await server.pgDump(database, ...only)), sorted(await server.pgDump('shop', ...only)));
});

test('a partitioned table that is to have another name is told as such, also where a partition comes before it', {
  skip,
}, async () => {
  await server.psql('postgres', 'create database parted');
  await server.psql(
    'parted',
    'create table z (id int) partition by range (id); create table a partition of z for values from (0) to (9); insert into z values (1)',
  );
  const selection = ['parted/data/public.z'];
  const entries = partOf(await dumpOf(server, { url: server.url('parted') }), 'parted/data/public.*');
  await assert.rejects(
    restoreTo(server, entries, { url: server.url('parted') }, { selection, rename: [['public.z', 'z_old']] }),
    { message: 'public.z is partitioned, and cannot have another name' },
  );
});

test('a table whose schema is not there brings it, with its owner and privileges', { skip }, async () => {
  await server.psql('postgres', 'create database bare');
  const { failures } = await restorePart('bare', ['shop/data/sales.events_2024_a']);
  assert.deepEqual(failures, []);
  assert.equal(await countOf('bare', 'sales.events_2024_a'), '26');
  const schema = `select nspowner::regrole, nspacl, obj_description(oid) from pg_namespace where nspname = 'sales'`;
  assert.equal(await server.psql('bare', schema), await server.psql('shop', schema));
  await restorePart('bare', ['shop/data/sales.events_2024_a'], {
    rename: [['sales.events_2024_a', '"Old ""ones""".events']],
  });
  assert.equal(await countOf('bare', '"Old ""ones""".events'), '26');
});

test('a schema that was published as a whole comes back also where the publication is not', {
  skip,
}, async () => {
  await server.psql('postgres', 'create database published; create database elsewhere');
  await server.psql(
    'published',
    'create schema news; create table news.t (id int); insert into news.t values (1); create publication all_news for tables in schema news',
  );
  const selection = ['published/data/news.*'];
  const entries = partOf(await dumpOf(server, { url: server.url('published') }), ...selection);
  const into = { url: server.url('elsewhere') };
  const { failures, warnings } = await restoreTo(server, entries, into, { selection });
  assert.deepEqual(failures, []);
  assert.match(warnings.join(), /left out: .*all_news/);
  assert.equal(await countOf('elsewhere', 'news.t'), '1');
});

test('what something else chose is made as its rows come', { skip }, async () => {
  const database = await copyOfShop();
  await server.psql(database, 'drop table secrets; drop table volatile');
  const entries = partOf(dumped, 'shop/data/public.secrets', 'shop/data/public.volatile');
  await restoreTo(server, entries, { url: server.url(database) }, { selection: [] });
  const only = ['--table=secrets', '--table=volatile'];
  assert.equal(await server.pgDump(database, ...only), await server.pgDump('shop', ...only));
});

test('a restore that fails half way leaves the database as it was', { skip }, async () => {
  const database = await copyOfShop();
  const before = await server.pgDump(database);
  const [last] = partOf(dumped, ...orders).filter(({ path }) => path.endsWith('0001.copy'));
  const damaged = partOf(dumped, ...orders).map((entry) =>
    entry === last ? { ...entry, content: Buffer.from('not\ta\trow\n') } : entry,
  );
  const into = { selection: orders, force: true };
  await assert.rejects(restoreTo(server, damaged, { url: server.url(database) }, into), (error) =>
    hasCode(error, 'TARGET_FAILED'),
  );
  const short = partOf(dumped, ...orders).filter((entry) => entry !== last);
  await assert.rejects(restoreTo(server, short, { url: server.url(database) }, into), /lacks/);
  assert.equal(await server.pgDump(database), before);
});

test('a name that no table has cannot be renamed', { skip }, async () => {
  const database = await copyOfShop();
  await assert.rejects(restorePart(database, orders, { rename: [['ordres', 'x']] }), (error) =>
    hasCode(error, 'USAGE'),
  );
});

/** Parts of a large table are loaded in an order of their own, and others' names sort otherwise. */
const sorted = (dump: string): string => dump.split('\n').toSorted().join('\n');
