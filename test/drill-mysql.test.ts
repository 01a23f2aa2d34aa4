// Drills of a MariaDB server: every kind of object comes back, what does not is named, and no event comes to life in a copy.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type MysqlServer, startMariadb } from './servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from './servers/mysql.ts';
import { skipWithout } from './servers/programs.ts';
import { type DrillSite, drillSite, drillWith } from './tools/drill.ts';
import { type SlowLine, slowLine } from './tools/slow-line.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('drills of MariaDB', { skip: skipWithout('mariadb') }, () => {
  const folder = temporaryFolder('drill-mysql');
  let server: MysqlServer;
  let line: SlowLine;
  let site: DrillSite;
  let backupSaid: string;

  before(async () => {
    server = await startMariadb();
    line = await slowLine(server.port, 0);
    await server.sql('create database shop character set utf8mb4');
    await server.client(['shop'], shop);
    mkdirSync(join(folder, 'scratch'));
    site = await drillSite(
      folder,
      `
sources:
  shop: { kind: mysql, url: "${server.url('shop')}" }
  far: { kind: mysql, url: "${server.url('shop').replace(`:${server.port}/`, `:${line.port}/`)}" }
jobs:
  nightly: { backup: [shop], to: [here] }
  prove:
    drill:
      - source: shop
        queries:
          - { query: "select count(*), 5 from orders", expect: 3 }
          - { query: "select a from texts", expect: Bär }
          - { query: "select b from texts", expect: Bär }
          - { query: "select hex(c), c from texts", expect: 00FF }
    from: here
  afar: { drill: [{ source: shop, into: far }], from: here }
`,
    );
    const { status, stderr } = await site.run('backup');
    assert.equal(status, 0, stderr);
    backupSaid = stderr;
  });
  after(async () => {
    await line?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const leftovers = (): Promise<string> => server.sql("show databases like 'holdfast%'");

  test('every kind of object comes back, but for events', async () => {
    const { status, stdout, stderr } = await site.run('drill', 'prove');
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /shop: note: event wakes would run by itself and was not restored/);
    assert.equal(await leftovers(), '');
  });

  test('a table without transactions is named when it is backed up, and not when its copy is read', async () => {
    assert.match(backupSaid, /1 table of shop has no transactions/);
    assert.match(backupSaid, /shop\.visits/);
    const { status, stderr } = await site.run('drill', 'prove');
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('a server that goes away while a copy is read back says nothing against the snapshot', async () => {
    line.breakAt('`.`orders` force index', { alone: true });
    const { status, stdout, stderr } = await site.run('drill', 'afar');
    assert.equal(status, 13, stdout + stderr);
    assert.doesNotMatch(stdout + stderr, /differ|do not rely/i);
    assert.equal(await leftovers(), '');
  });

  test('a row, a cell, an index, a view and a trigger that a restore lost are named', async () => {
    const run = await drillWith(site, 'shop', async ({ name }) => {
      await server.sql(
        "delete from customers where id = 3; update orders set note = 'x' where id = 2; drop index noted on orders; drop view dear; drop trigger counted",
        `${name}_1`,
      );
    });
    assert.equal(run.status, 4);
    const [outcome] = run.outcomes;
    assert.ok(outcome && 'report' in outcome);
    const differences = outcome.report.firstDifferences.join('\n');
    assert.match(differences, /table shop.customers: 2 rows, captured were 3/);
    assert.match(differences, /table shop.orders: its rows are not those captured/);
    assert.match(differences, /table orders is not as it was captured/);
    assert.match(differences, /view dear is missing/);
    assert.match(differences, /trigger counted of orders is missing/);
    assert.equal(await leftovers(), '');
  });
});

test('a user with the rights that a drill needs may not act for others, which is a note and no difference', {
  skip: skipWithout('mariadb') ?? false,
}, async () => {
  const folder = temporaryFolder('drill-mysql-rights');
  await using server = await startMariadb({ settings: ['log-bin-trust-function-creators=1'] });
  await server.sql(`
    create database shop character set utf8mb4; use shop; ${shop}
    create procedure p() select 1;
    create user holdfast@'127.0.0.1' identified by 'pass';
    grant select, show view, trigger, event, reload on *.* to holdfast@'127.0.0.1';
    grant all on \`holdfast\\_drill\\_%\`.* to holdfast@'127.0.0.1'`);
  const stdout = await provenAt(folder, server.url('shop', 'holdfast', 'pass'));
  for (const what of ['view dear', 'function twice', 'procedure p', 'trigger counted'])
    assert.match(stdout, new RegExp(`^shop: note: ${what} now belongs to the restoring user`, 'm'));
});

test('a server without room for a table, a right for a view, or time for a query says nothing against the snapshot', {
  skip: skipWithout('mariadb') ?? false,
}, async () => {
  const folder = temporaryFolder('drill-mysql-cannot');
  await using server = await startMariadb();
  await server.sql(`
    create database shop character set utf8mb4; use shop;
    create table m (t char(200)) engine = memory; insert into m select 'x' from seq_1_to_5000; create view v as select * from m;
    create user holdfast@'127.0.0.1' identified by 'pass';
    grant select, show view, trigger, event, reload on *.* to holdfast@'127.0.0.1';
    grant all on \`holdfast\\_drill\\_%\`.* to holdfast@'127.0.0.1';
    revoke create view on \`holdfast\\_drill\\_%\`.* from holdfast@'127.0.0.1'`);
  const site = await drillSite(
    folder,
    `
sources:
  shop: { kind: mysql, url: "${server.url('shop')}" }
  narrow: { kind: mysql, url: "${server.url('', 'holdfast', 'pass')}" }
jobs:
  nightly: { backup: [shop], to: [here] }
  narrow: { drill: [{ source: shop, into: narrow }], from: here }
  slow: { drill: [{ source: shop, queries: [{ query: "set statement max_statement_time = 0.05 for select count(*) from m a, m b, m c where a.t >= b.t" }] }], from: here }
`,
  );
  assert.equal((await site.run('backup')).status, 0);
  const drill = async (job: string, message: RegExp): Promise<void> => {
    const { status, stdout, stderr } = await site.run('drill', job);
    assert.equal(status, 1, stdout + stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stdout + stderr, /DIFFERS|rely/);
    assert.equal(await server.sql("show databases like 'holdfast%'"), '');
  };
  await drill('narrow', /could not be drilled: .*view v could not be restored: .*denied/);
  await drill('slow', /could not be drilled: .*max_statement_time exceeded/);
  await server.sql('set global max_heap_table_size = 16384');
  await drill('slow', /could not be drilled: .*rows of shop.m could not be restored: The table .* is full/);
});

test('a table of MySQL is as it was, also where a copy shows the character set besides the collation', {
  skip: skipWithoutMysql() ?? false,
}, async () => {
  const folder = temporaryFolder('drill-mysql-own');
  await using server = await startMysql();
  await server.sql(
    `create database shop; create table shop.notes (t text, e enum('a', ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin')) collate utf8mb4_bin`,
  );
  await provenAt(folder, server.url('shop'));
});

/** What the drill says of a backup of what is there. */
const provenAt = async (folder: string, url: string): Promise<string> => {
  mkdirSync(join(folder, 'scratch'));
  const site = await drillSite(
    folder,
    `
sources:
  shop: { kind: mysql, url: "${url}" }
jobs:
  nightly: { backup: [shop], to: [here] }
  prove: { drill: [shop], from: here }
`,
  );
  assert.equal((await site.run('backup')).status, 0);
  const { status, stdout, stderr } = await site.run('drill', 'prove');
  assert.equal(status, 0, stdout + stderr);
  return stdout;
};

const shop = `
create table customers (id int unsigned not null auto_increment primary key, email varchar(190) not null unique, at timestamp(6) not null default '2026-01-01', raw varbinary(20), doc json);
insert into customers (email, raw, doc) values ('é🐙\\t', x'00ff0a', '{"a": [1, null]}'), ('', null, null), ('c', 'x', '[]');
create table orders (id bigint not null primary key, customer int unsigned, note text, total decimal(12, 2), key noted (note(9)),
  constraint buyer foreign key (customer) references customers (id));
insert into orders values (1, 1, 'a\\nb', 1.50), (2, 2, 'y', null), (3, null, null, -1);
create table texts (a text character set latin1, b text character set utf16, c varbinary(9));
insert into texts values ('Bär', 'Bär', x'00ff');
create table visits (day date primary key, n int) engine=MyISAM;
insert into visits values ('2026-11-20', 7);
create view dear as select c.email, o.total from orders o join customers c on c.id = o.customer where o.total > 1;
create function twice(n int) returns int deterministic return n * 2;
create trigger counted before insert on orders for each row set new.total = coalesce(new.total, 0);
create sequence numbers start with 5; select nextval(numbers);
create event wakes on schedule every 1 second do delete from shop.orders where id = 99;
`;
