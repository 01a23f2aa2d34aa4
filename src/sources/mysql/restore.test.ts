import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type HoldfastError, hasCode } from '#lib/errors.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { slowLine } from '../../../test/tools/slow-line.ts';
import type { RestoreReport, RestoreTarget } from '../source.ts';
import type { CapturedEntry } from '../testing.ts';
import { edited, openSockets, partOf } from '../testing.ts';
import { dumpOf, makeShop, restoreTo } from './testing.ts';

suite('restoring to MariaDB', { skip: skipWithout('mariadb') ?? false }, () => {
  let server: MysqlServer;
  let dumped: readonly CapturedEntry[];
  let number = 0;

  before(async () => {
    server = await startMariadb();
    await makeShop(server, 'mariadb');
    dumped = await dumpOf(server, { url: server.url('shop') });
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  /** A database like the original, to do damage to. */
  const copyOfShop = async (): Promise<string> => {
    number += 1;
    const name = `copy_${number}`;
    await restoreTo(server, dumped, {}, { rename: [['shop', name]] });
    return name;
  };
  const restorePart = (
    database: string,
    selection: readonly string[],
    into: Partial<RestoreTarget> = {},
  ): Promise<RestoreReport> =>
    restoreTo(server, partOf(dumped, ...selection), { url: server.url(database) }, { selection, ...into });
  const orders = ['shop/data/orders/0000.tsv'];
  const stagings = (): Promise<string> => server.sql(`show databases like 'holdfast%'`);
  const definition = (database: string, table: string): Promise<string> =>
    server.sql(`show create table \`${table}\``, database);
  /** As the stock program sees it; a copy's defaults name the copy. */
  const seen = async (database: string, ...args: string[]): Promise<string> =>
    (await server.dump(database, ...args)).replaceAll(`nextval(\`${database}\``, 'nextval(`shop`');

  test('a database comes back under another name, in every part', async () => {
    const name = await copyOfShop();
    assert.equal(await seen(name), await seen('shop'));
    assert.equal(await server.sql('select n from aa_top order by id limit 1', name), '3');
    assert.equal(
      await server.sql('insert into numbered () values (); select max(id) from numbered', name),
      '17',
    );
  });

  test('wherever its connections break, a restore fails for that, and leaves nothing', async () => {
    for (let [bytes, broke] = [1000, true]; broke; bytes = Math.ceil(bytes * 2)) {
      await using line = await slowLine(server.port, 0);
      line.breakAfter(bytes);
      const url = server.url('broken').replace(`:${server.port}/`, `:${line.port}/`);
      const outcome = await restoreTo(server, dumped, { url }).then(
        ({ failures }) => assert.deepEqual(failures, [], `after ${bytes} bytes`),
        (error: unknown) => error,
      );
      broke = outcome !== undefined;
      assert.ok(!broke || hasCode(outcome, 'SOURCE_UNREACHABLE'), `after ${bytes} bytes: ${outcome}`);
      const tables = `select count(*) from information_schema.tables where table_schema = 'broken'`;
      // An answer that is lost leaves it open who made the database, which is then empty.
      assert.ok(!broke || (await server.sql(tables)) === '0', `after ${bytes} bytes`);
      assert.equal(await stagings(), '', `after ${bytes} bytes`);
    }
    await server.sql('drop database broken');
  });

  test('a database whose place is just being taken when the connections break is told not to be whole', async () => {
    for (const [name, words] of [
      ['dropping', 'drop database if exists `dropping`'],
      ['moving', 'rename table'],
      ['equipping', 'CREATE DEFINER'],
    ] as const) {
      await server.sql(`create database ${name}; create table ${name}.old (a int)`);
      await using line = await slowLine(server.port, 0);
      line.breakAt(words);
      const url = server.url(name).replace(`:${server.port}/`, `:${line.port}/`);
      await assert.rejects(
        restoreTo(server, dumped, { url }, { force: true }),
        (error) =>
          hasCode(error, 'SOURCE_UNREACHABLE') &&
          error.message.startsWith(`${name} was being replaced, and is not whole or not there now`) &&
          /--force/.test(error.hint ?? ''),
        words,
      );
      assert.equal(await stagings(), '', words);
    }
    await restoreTo(server, dumped, { url: server.url('moving') }, { force: true });
    assert.equal(await seen('moving'), await seen('shop'));
  });

  test('a view that looks into other databases finds its own in the copy', async () => {
    await server.sql('create database others; create table others.t (a int)');
    await server.sql(
      'create view across as select o.a, k.b from others.t o join keyless k on k.a = o.a',
      'shop',
    );
    const entries = await dumpOf(server, { url: server.url('shop') });
    await server.sql('drop view across', 'shop');
    const { failures } = await restoreTo(server, entries, { url: server.url('across') });
    assert.deepEqual(failures, []);
    assert.match(
      await server.sql('show create view across', 'across'),
      /from \(`others`\.`t` `o` join `across`\.`keyless` `k`/,
    );
  });

  test('a view that looks into a database which comes later is made when that is there', async () => {
    await server.sql(`create database above; create database below; create table below.t (a int); insert into below.t values (3);
      create view above.first as select a from below.t; create view below.second as select a from above.first;
      create view above.third as select a + 1 as b from below.second; create view above.lost as select a from below.t`);
    const databases = ['above', 'below'];
    const entries = await dumpOf(server, { url: server.url(), databases });
    await server.sql('drop database above; drop database below');
    const changed = entries.map((entry) =>
      entry.path !== 'above/post-data.sql'
        ? entry
        : { ...entry, content: Buffer.from(`${entry.content}`.replace(/(VIEW `lost`.*)`t`/, '$1`x`')) },
    );
    const { failures } = await restoreTo(server, changed, { url: server.url() });
    assert.deepEqual(
      failures.map(({ path, error }) => `${path}: ${error.message.split(':')[0]}`),
      ['above/post-data.sql: view lost could not be restored'],
    );
    assert.equal(await server.sql('select b from above.third'), '4');
  });

  test('a database that is not empty is refused, and replaced when that is forced', async () => {
    const name = await copyOfShop();
    await server.sql('delete from orders; drop table customers_old', name).catch(() => {});
    await server.sql('create table mine (id int)', name);
    const url = { url: server.url(name) };
    await assert.rejects(restoreTo(server, dumped, url), (error) => hasCode(error, 'TARGET_NOT_EMPTY'));
    const { failures } = await restoreTo(server, dumped, url, { force: true });
    assert.deepEqual(failures, []);
    assert.equal(await seen(name), await seen('shop'));
    assert.equal(await stagings(), '');
  });

  test('a forced restore that fails leaves the database as it was', async () => {
    const name = await copyOfShop();
    const before = await seen(name);
    const damaged = dumped.map((entry) =>
      entry.path === 'shop/data/orders/0000.tsv' ? { ...entry, content: Buffer.from('x\ty\n') } : entry,
    );
    await assert.rejects(restoreTo(server, damaged, { url: server.url(name) }, { force: true }), (error) =>
      hasCode(error, 'TARGET_FAILED'),
    );
    assert.equal(await seen(name), before);
    assert.equal(await stagings(), '');
  });

  test('rows that are lost on the way fail the restore, and the new database is gone', async () => {
    const path = 'shop/data/keyless/0000.tsv';
    const damaged = edited(dumped, path, (rows) => rows.slice(rows.indexOf('\n') + 1));
    await assert.rejects(restoreTo(server, damaged, { url: server.url('damaged') }), (error) =>
      hasCode(error, 'TARGET_FAILED'),
    );
    assert.equal(await server.sql(`show databases like 'damaged'`), '');
  });

  test('a table whose rows the server refuses, or changes, is left out and named, and all else comes back', async () => {
    await server.sql(`create database choosy; use choosy; create table wörded (a int); insert into wörded values (1), (2);
      create table cut (e enum('long', 'x')); insert into cut values ('long'); create table fine (a int); insert into fine values (3);
      create view sum_of as select sum(a) from wörded`);
    const entries = edited(
      edited(await dumpOf(server, { url: server.url('choosy') }), 'wörded/0000.tsv', () => '1\nb\n'),
      '01-tables.sql',
      (sql) => sql.replace("'long'", "'song'"),
    );
    for (const [loads, name] of Object.entries(['choosy_inserted', 'choosy_loaded'])) {
      await server.sql(`set global local_infile = ${loads}`);
      const { failures } = await restoreTo(server, entries, { url: server.url(name) });
      const told = failures.map(({ path, error }) => `${path}: ${error.message}`);
      assert.equal(told.length, 3, told.join('\n'));
      for (const [index, table] of ['cut', 'wörded'].entries())
        assert.match(
          told[index] ?? '',
          new RegExp(
            `choosy/01-tables.sql: rows of choosy.${table} could not be restored: .*; .* of it in the snapshot only`,
          ),
        );
      assert.match(told[2] ?? '', /view sum_of could not be restored/);
      assert.equal(await server.sql('show tables; select a from fine', name), 'fine\n3');
    }
    const forced = restoreTo(server, entries, { url: server.url('choosy') }, { force: true });
    await assert.rejects(forced, (error) => hasCode(error, 'TARGET_FAILED'));
    assert.equal(await server.sql('select sum(a) from wörded', 'choosy'), '3');
  });

  test('a table that was dropped comes back as it was, with its triggers and keys', async () => {
    const name = await copyOfShop();
    const before = await seen(name);
    await server.sql('drop table orders', name);
    const { failures, warnings } = await restorePart(name, orders);
    assert.deepEqual([failures, warnings], [[], []]);
    assert.equal(await seen(name), before);
  });

  test('a table with rows is refused, and with force gets the place of the one in the backup', async () => {
    const name = await copyOfShop();
    await server.sql(
      `delete from orders where id % 2 = 0; update orders set note = 'changed'; alter table orders auto_increment = 5000`,
      name,
    );
    await assert.rejects(restorePart(name, orders), (error) => hasCode(error, 'TARGET_NOT_EMPTY'));
    assert.equal(await server.sql('select count(*) from orders', name), '450');
    await restorePart(name, orders, { force: true });
    const content = 'checksum table orders';
    assert.equal(
      (await server.sql(content, name)).split('\t')[1],
      (await server.sql(content, 'shop')).split('\t')[1],
    );
    assert.match(await definition(name, 'orders'), /AUTO_INCREMENT=5000/);
    assert.equal(
      await server.sql("show triggers like 'orders'", name).then((text) => text.split('\n').length),
      3,
    );
    await assert.rejects(
      server.sql('insert into orders (customer, placed) values (1, now())', name),
      /buyer/,
    );
  });

  test('a table comes to stand beside the original under another name', async () => {
    const name = await copyOfShop();
    await server.sql(`update orders set note = 'changed'`, name);
    const { warnings } = await restorePart(name, orders, { rename: [['shop.orders', 'orders_old']] });
    assert.equal(await server.sql(`select count(*) from orders where note <> 'changed'`, name), '0');
    assert.equal(
      (await server.sql('checksum table orders_old', name)).split('\t')[1],
      (await server.sql('checksum table orders', 'shop')).split('\t')[1],
    );
    assert.equal(warnings.filter((text) => text.startsWith('left out beside')).length, 5);
    assert.equal(await stagings(), '');
    await assert.rejects(restorePart(name, orders, { rename: [['orders', 'orders_old']] }), (error) =>
      hasCode(error, 'TARGET_NOT_EMPTY'),
    );
  });

  test('rows that others refer to are replaced when no reference breaks, else nothing changes', async () => {
    const name = await copyOfShop();
    const customers = ['shop/data/customers/0000.tsv'];
    await server.sql(`update customers set txt = 'changed'`, name);
    await restorePart(name, customers, { force: true });
    assert.equal(await server.sql(`select count(*) from customers where txt = 'changed'`, name), '0');
    await assert.rejects(
      server.sql('insert into orders (customer, placed) values (1, now())', name),
      /buyer/,
    );
    await server.sql(
      `insert into customers (id, email) values (99999, 'new'); insert into orders (customer, placed) values (99999, now())`,
      name,
    );
    const before = await seen(name);
    await assert.rejects(restorePart(name, customers, { force: true }), /would refer to/);
    assert.equal(await seen(name), before);
  });

  test('an archive comes back with its numbers', async () => {
    await server.sql(`install soname 'ha_archive'; create database archives; use archives;
      create table archive (id int auto_increment primary key, note varchar(9)) engine=ARCHIVE; insert into archive (note) values ('x'), ('y')`);
    const entries = await dumpOf(server, { url: server.url('archives') });
    const { failures } = await restoreTo(server, entries, { url: server.url('archives_copy') });
    assert.deepEqual(failures, []);
    assert.equal(await server.dump('archives_copy'), await server.dump('archives'));
  });

  test('an engine that the server lacks, and an event whose time has passed, are told', async () => {
    await server.sql(`install soname 'ha_blackhole'; create database passing; use passing; create table hole (a int) engine=BLACKHOLE;
      create event once on schedule at '2037-01-01' do set @x = 1; create event past on schedule at '2037-01-01' on completion preserve do set @x = 1`);
    const entries = await dumpOf(server, { url: server.url('passing') });
    await server.sql(`drop database passing; uninstall soname 'ha_blackhole'`);
    const later = edited(entries, 'post-data.sql', (sql) => sql.replaceAll("'2037-", "'2007-"));
    const { failures, warnings } = await restoreTo(server, later, { url: server.url('passing') });
    assert.deepEqual(failures, []);
    assert.deepEqual(
      warnings.map((warning) => warning.split(':')[0]),
      [
        'table passing.hole is not as it was',
        'event passing.once is not as it was',
        'event passing.past is not as it was',
      ],
    );
  });

  test('what the server refuses to make is left out and named with its rows, and all else comes back', async () => {
    await server.sql(`create database partly; use partly; create table parent (id int primary key, u uuid); insert into parent (id) values (1), (2);
      create table child (id int primary key, parent int, constraint up foreign key (parent) references parent (id)); insert into child values (7, 1);
      create sequence refused start 5 maxvalue 9; create table counted (id int default nextval(refused)); create table plain (a int); insert into plain values (3);
      create view seen as select a from plain; create view unseen as select id from parent; create trigger late before insert on parent for each row set new.id = 1;
      create procedure act() select 1`);
    const entries = edited(await dumpOf(server, { url: server.url('partly') }), '01-tables.sql', (sql) =>
      sql.replace(' uuid ', ' vuid ').replace('maxvalue 9 ', 'maxvalue x '),
    );
    const { failures, warnings } = await restoreTo(server, entries, { url: server.url('partly_new') });
    assert.deepEqual(
      failures.map(
        ({ path, error }) => `${path}: ${error.message.replace(/(?<=restored): .*?(?=; 2 rows|$)/s, '')}`,
      ),
      [
        'partly/01-tables.sql: sequence refused could not be restored',
        'partly/01-tables.sql: table counted could not be restored',
        'partly/01-tables.sql: table parent could not be restored; 2 rows of it in the snapshot only',
        'partly/post-data.sql: view unseen could not be restored',
        'partly/post-data.sql: trigger late could not be restored',
      ],
    );
    assert.match(warnings.join(), /child refers to parent, which could not be restored: .* `up` FOREIGN KEY/);
    assert.equal(
      await server.sql('select * from plain, seen, child; call act', 'partly_new'),
      '3\t3\t7\t1\n1',
    );
    const replacing = restoreTo(server, entries, { url: server.url('partly') }, { force: true });
    await assert.rejects(replacing, /partly was left as it was: .*refused.*counted.*parent/);
    assert.equal(await server.sql('select count(*) from parent', 'partly'), '2');
    assert.equal(await stagings(), '');
  });

  test('a database of which the server makes no table is not there afterwards', async () => {
    await server.sql('create database hopeless; create table hopeless.t (a int)');
    const entries = edited(await dumpOf(server, { url: server.url('hopeless') }), '01-tables.sql', (sql) =>
      sql.replace(' int(', ' inx('),
    );
    await assert.rejects(
      restoreTo(server, entries, { url: server.url('hopeless_new') }),
      /table t could not/,
    );
    assert.equal(await server.sql(`show databases like 'hopeless_new'`), '');
  });

  test('options that no engine knows come back', async () => {
    await server.sql(`create database optioned; use optioned; set sql_mode = 'IGNORE_BAD_TABLE_OPTIONS';
      create table t (a int foo='it''s', b int comment '/* \`x\`=''1'' */', key (b) bar=7) zork='x y' other=y comment='/* \`q\`=''1'' */'`);
    const entries = await dumpOf(server, { url: server.url('optioned') });
    await restoreTo(server, entries, { url: server.url('optioned_copy') });
    assert.match(await definition('optioned', 't'), /\/\* .*zork/);
    assert.equal(await definition('optioned_copy', 't'), await definition('optioned', 't'));
  });

  test('a sequence that was set back goes on where it was', async () => {
    await server.sql(`create database numbers; use numbers; create sequence up start 100; create sequence down start 100 increment -1 maxvalue 1000;
      alter sequence up restart 21; alter sequence down restart 200; create sequence plain start 7; do nextval(plain)`);
    const entries = await dumpOf(server, { url: server.url('numbers') });
    await restoreTo(server, entries, { url: server.url('numbers_copy') });
    const states = 'select * from up; select * from down; select * from plain';
    assert.equal(await server.sql(states, 'numbers_copy'), await server.sql(states, 'numbers'));
    const script = entries.find(({ path }) => path === 'numbers/load.sql')?.content ?? '';
    await server.sql('do setval(up, 500), setval(down, 50)', 'numbers_copy');
    await server.client(['numbers_copy'], script);
    assert.match(await server.sql(states, 'numbers_copy'), /^21\t.*\n200\t/);
  });

  test('a table whose numbers come from a sequence brings that too', async () => {
    await server.sql('create database parts');
    await restorePart('parts', ['shop/data/numbered/0000.tsv', 'shop/data/par*']);
    assert.match(await definition('parts', 'numbered'), /nextval\(`parts`\.`numbers`\)/);
    assert.equal(
      await server.sql('insert into numbered () values (); select max(id) from numbered', 'parts'),
      '17',
    );
    assert.equal(await server.sql('select count(*) from parts', 'parts'), '200');
  });

  test('what something else chose is made as its rows come', async () => {
    await server.sql('create database chosen');
    const entries = partOf(dumped, 'shop/data/keyless', 'shop/data/single');
    await restoreTo(server, entries, { url: server.url('chosen') }, { selection: [] });
    assert.equal(await server.sql('show tables', 'chosen'), 'keyless\nsingle');
  });

  test('a name that no table has cannot be renamed', async () => {
    const rename = [['ordres', 'x']] as const;
    await assert.rejects(restorePart('shop', orders, { rename }), (error) => hasCode(error, 'USAGE'));
  });

  test('who may not act for others becomes the definer, and that is told', async () => {
    await server.sql(
      `set global log_bin_trust_function_creators = 1; create user plain@'%' identified by 'p'; grant all on plain.* to plain@'%'; grant select on mysql.proc to plain@'%'`,
    );
    const { failures, warnings } = await restoreTo(server, dumped, {
      url: server.url('plain', 'plain', 'p'),
    });
    assert.deepEqual(failures, []);
    assert.ok(
      warnings.some((text) => text.startsWith('view by_gone now belongs to the restoring user')),
      warnings.join('\n'),
    );
    assert.match(await server.sql('show create view by_gone', 'plain'), /DEFINER=`plain`@`%`/);
  });

  test('a trigger that names its database is made in the one that is restored, and nothing in the other', async () => {
    await server.sql(
      'create database named; create table named.t (i int); create trigger named.low before insert on named.t for each row set new.i = 0',
    );
    const entries = await dumpOf(server, { url: server.url('named') });
    await server.sql('drop trigger named.low');
    const { failures } = await restoreTo(server, entries, { url: server.url('renamed') });
    assert.deepEqual(failures, []);
    const where = `select trigger_schema from information_schema.triggers where trigger_name = 'low'`;
    assert.equal(await server.sql(where), 'renamed');
  });

  test('users, roles and grants come back when they are asked for; those that are there stay', async () => {
    await server.sql(
      `create database owned; create table owned.t (id int, v int); create procedure owned.act() select 1;
       create role readers; create user ann@'10.%' identified by 'a''b'; grant readers to ann@'10.%'; set default role readers for ann@'10.%';
       grant select on shop.* to readers; grant select (id), insert on shop.orders to ann@'10.%' with grant option;
       grant update (v) on owned.t to ann@'10.%'; grant execute on procedure owned.act to readers; grant select on owned.t to public;
       alter user ann@'10.%' password expire interval 30 day; alter user ann@'10.%' password expire`,
    );
    const entries = await dumpOf(server, { databases: ['owned'], users: true });
    const grants = `show grants for ann@'10.%'; show grants for readers; show grants for public; show create user ann@'10.%'`;
    const granted = async () => (await server.sql(grants)).split('\n').toSorted();
    const before = await granted();
    await server.sql(
      `drop user ann@'10.%'; drop role readers; revoke select on owned.t from public; drop database owned`,
    );
    const { failures, warnings } = await restoreTo(server, entries, { databases: 'all' });
    assert.deepEqual(failures, []);
    assert.deepEqual(await granted(), before);
    assert.ok(
      warnings.includes(`user 'admin'@'127.0.0.1' is there already, and stays as it is`),
      warnings.join('\n'),
    );
  });

  test('a database that cannot be restored keeps none of the others from it; where all are such, that is the error', async () => {
    const names = ['some_a', 'some_b', 'some_c', 'some_d'];
    for (const name of names)
      await server.sql(
        `create database ${name}; create table ${name}.t (i int); insert into ${name}.t values (1)`,
      );
    const entries = (await dumpOf(server, { databases: names })).map((entry) =>
      entry.path === 'some_c/data/t/0000.tsv' ? { ...entry, content: Buffer.from('x\n') } : entry,
    );
    await server.sql(names.map((name) => `drop database ${name}`).join(';'));
    const mayMake = (allowed: string): Promise<string> =>
      server.sql(
        `create or replace user part@'%' identified by 'p'; grant select on mysql.proc to part@'%'; ${allowed}`,
      );
    const part = { url: server.url('', 'part', 'p'), databases: 'all' } as const;
    await mayMake('');
    await assert.rejects(
      restoreTo(server, entries, part),
      ({ code, message, hint }: HoldfastError) =>
        code === 'TARGET_FAILED' &&
        names.every((name) => message.includes(`cannot create database ${name} on`)) &&
        /grant create/.test(hint ?? ''),
    );
    await mayMake(['b', 'c', 'd'].map((each) => `grant all on some_${each}.* to part@'%'`).join(';'));
    const { failures } = await restoreTo(server, entries, part);
    assert.deepEqual(
      failures.map(({ path }) => path),
      ['some_a', 'some_c'],
    );
    assert.equal(await server.sql('select * from some_b.t, some_d.t'), '1\t1');
    assert.equal(await server.sql(`show databases like 'some%'`), 'some_b\nsome_d');
  });

  test('by INSERT where LOAD DATA LOCAL is switched off, with the same outcome', async () => {
    await server.sql('set global local_infile = 0');
    const { failures } = await restoreTo(server, dumped, { url: server.url('inserted') });
    await server.sql('set global local_infile = 1');
    assert.deepEqual(failures, []);
    assert.equal(await seen('inserted'), await seen('shop'));
  });
});

test('a server that is too old is refused as a target, and no connection to it stays', {
  skip: skipWithout('mariadb') ?? false,
}, async () => {
  await using old = await startMariadb({ settings: ['version=10.4.34-MariaDB'] });
  const before = await openSockets();
  await assert.rejects(restoreTo(old, []), (error) => hasCode(error, 'UNSUPPORTED'));
  assert.equal(await openSockets(), before);
});

test('names in capitals find what a server keeps in lower case', {
  skip: skipWithout('mariadb') ?? false,
}, async () => {
  await using server = await startMariadb({ settings: ['lower-case-table-names=0'] });
  await server.sql(`create database Shop; use Shop; create table People (id int primary key) comment 'all';
    create table Orders (id int primary key, who int, constraint buyer foreign key (who) references People (id));
    insert into People values (1); insert into Orders values (7, 1); create view Names as select id from People`);
  const dumped = await dumpOf(server, { url: server.url('Shop') });
  await using lower = await startMariadb({ settings: ['lower-case-table-names=1'] });
  const whole = (into: Partial<RestoreTarget>) => restoreTo(lower, dumped, { url: lower.url('Shop') }, into);
  const part = (table: string, into: Partial<RestoreTarget>) => {
    const selection = [`Shop/data/${table}/0000.tsv`];
    return restoreTo(lower, partOf(dumped, ...selection), { url: lower.url('Shop') }, { selection, ...into });
  };
  const isNotEmpty = (error: unknown): boolean => hasCode(error, 'TARGET_NOT_EMPTY');
  await whole({});
  await assert.rejects(whole({}), isNotEmpty);
  assert.deepEqual((await whole({ force: true })).failures, []);
  await assert.rejects(part('Orders', {}), isNotEmpty);
  await lower.sql(
    'delete from orders; insert into people values (2); insert into orders values (8, 2)',
    'shop',
  );
  await assert.rejects(part('People', { force: true }), /would refer to/);
  await part('Orders', { force: true });
  await part('Orders', { rename: [['Orders', 'Shop.Orders_Old']] });
  await assert.rejects(part('Orders', { rename: [['Orders', 'Orders_Old']] }), isNotEmpty);
  assert.equal(
    await lower.sql('select * from orders; select * from orders_old; select * from names', 'shop'),
    '7\t1\n7\t1\n1\n2',
  );
  await server.sql('create database shop; create table shop.t (a int)');
  const both = await dumpOf(server, { databases: ['Shop', 'shop'] });
  const { failures } = await restoreTo(lower, both, { databases: 'all' }, { force: true });
  assert.deepEqual(
    failures.map(({ error }) => error.message),
    ['Shop and shop are one database on this server'],
  );
  assert.equal(
    await lower.sql('show tables; show databases like "holdfast%"', 'shop'),
    'names\norders\npeople',
  );
});
