// A second database kept fresh from the snapshots of a first one: complete ones swapped in, partial ones applied.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { type DrillSite, drillSite } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

const schema = `
  create table regions (id int primary key, name text not null, parent int references regions);
  create table clients (id int primary key, name text not null, region int references regions);
  create table reports (id bigint generated always as identity primary key, client int references clients, note text, photo text,
    changed_at timestamptz not null default clock_timestamp(), length int generated always as (length(note)) stored);
  create function stamp() returns trigger language plpgsql as 'begin new.changed_at = clock_timestamp(); return new; end';
  create trigger stamp before insert or update on reports for each row execute function stamp();
  insert into regions values (1, 'world', null), (2, 'here', 1), (3, 'there', 1);
  insert into clients select i, 'client ' || i, 2 from generate_series(1, 20) i;
  insert into reports (client, note) select 1 + i % 20, 'old ' || i from generate_series(1, 100) i;`;

suite('receivers', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('receive');
  let server: PostgresServer;
  let site: DrillSite;
  before(async () => {
    server = await startPostgres();
    await server.psql('postgres', 'create database shop');
    await server.psql('shop', schema);
    mkdirSync(join(folder, 'photos', '2026'), { recursive: true });
    writeFileSync(join(folder, 'photos', '2026', 'a.jpg'), 'a photo');
    site = await drillSite(
      folder,
      `
sources:
  shop: { kind: postgres, url: "${server.url('shop')}" }
  copy: { kind: postgres, url: "${server.url('copy')}" }
  taken: { kind: postgres, url: "${server.url('taken')}" }
jobs:
  nightly: { backup: [shop], to: [here] }
  often:
    backup: [shop]
    to: [here]
    partial: { since: 1s, by: changed_at, tables: [reports], files: [{ table: reports, column: photo, folder: ${folder}/photos }] }
  follow:
    receive: [{ source: shop, into: copy, files: ${folder}/received }]
    from: here
    maxLag: 1h
  wrong:
    receive: [{ source: shop, into: taken }]
    from: here
`,
    );
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const run = async (...words: string[]) => {
    const outcome = await site.run(...words);
    assert.equal(outcome.status, 0, outcome.stderr + outcome.stdout);
    return outcome;
  };
  const rowsOf = async (database: string): Promise<string> =>
    await server.psql(
      database,
      `select * from regions order by id; select * from clients order by id; select * from reports order by id`,
    );
  const assertSame = async (): Promise<void> => assert.equal(await rowsOf('copy'), await rowsOf('shop'));

  test('nothing is received before there is a complete snapshot', async () => {
    await run('backup', 'often');
    const { status, stderr } = await site.run('run', 'follow');
    assert.equal(status, 1);
    assert.match(stderr, /no complete snapshot of shop/);
  });

  test('a complete snapshot becomes the database', async () => {
    await run('backup', 'nightly');
    const { stdout } = await run('run', 'follow');
    assert.match(stdout, /snapshot [0-9a-f]{8} loaded/);
    await assertSame();
    assert.match((await run('run', 'follow')).stdout, /nothing new/);
  });

  test('a partial snapshot brings changed rows, what they refer to, and files that they name', async () => {
    await server.psql(
      'shop',
      `insert into regions values (4, 'far', 3); insert into clients values (21, 'new', 4);
        update clients set name = 'renamed' where id = 5;
        insert into reports (client, note, photo) values (21, 'new', '2026/a.jpg'); update reports set note = 'changed' where id = 4`,
    );
    await run('backup', 'often');
    assert.match((await run('run', 'follow')).stdout, /1 partial snapshot applied, 8 rows/);
    await assertSame();
    assert.equal(readFileSync(join(folder, 'received', '2026', 'a.jpg'), 'utf8'), 'a photo');
    assert.match((await run('run', 'follow')).stdout, /nothing new/);
    const status = await site.run('status');
    assert.match(status.stdout, /copy +shop +\d+ s behind/);
    assert.match(status.stdout, /shop~partial +here .* ok/);
  });

  test('a partial snapshot is never taken for one of the source, and is verified as one of its own', async () => {
    const restored = join(folder, 'restored');
    await run('restore', 'latest', '--to', restored);
    assert.ok(existsSync(join(restored, '00-server.json')));
    await run('verify', 'latest:shop~partial');
    const { status, stderr } = await site.run(
      'restore',
      'latest:shop~partial',
      '--to',
      server.url('elsewhere'),
    );
    assert.equal(status, 2);
    assert.match(stderr, /of kind postgres-partial and cannot go into postgres/);
  });

  test('the rows of a partial snapshot can be asked for, and are told to be no whole state', async () => {
    const asked = await run('query', 'latest:shop~partial', 'SELECT id, name FROM clients WHERE id = 21');
    assert.match(asked.stdout, /^id +name\n21 +new\n/);
    assert.match(asked.stderr, /is of a partial backup: it has the rows that had changed/);
    const found = await run(
      'find',
      '--source',
      'shop~partial',
      '--table',
      'clients',
      '--row',
      'name=renamed',
    );
    assert.match(
      found.stdout,
      /shop~partial, .*, of a partial backup\nshop~partial: public.clients {2}id=5, /,
    );
    const both = await run('find', '--table', 'clients', '--row', 'id=5');
    assert.match(both.stdout, /name=renamed.*of shop, .*\d rows in \d snapshots\n$/s);
    const compared = await site.run('diff', 'latest:shop~partial', '--rows');
    assert.equal(compared.status, 2);
    assert.match(compared.stderr, /hold changes, and no state to compare/);
  });

  test('changes that do not fit leave everything as it was, until a complete snapshot brings them', async () => {
    await server.psql('shop', 'create unique index on clients (name)');
    await run('backup', 'nightly');
    await run('run', 'follow');
    const before = await rowsOf('copy');
    await server.psql(
      'shop',
      `delete from clients where id = 21 and not exists (select from reports where client = 21);
        update reports set client = 1 where client = 21; delete from clients where id = 21;
        insert into clients values (22, 'new', 4); insert into reports (client, note) values (22, 'x')`,
    );
    await run('backup', 'often');
    const { status, stderr } = await site.run('run', 'follow');
    assert.equal(status, 1);
    assert.match(stderr, /could not be applied: duplicate key/);
    assert.equal(await rowsOf('copy'), before);
    await run('backup', 'nightly');
    await run('run', 'follow');
    await assertSame();
  });

  test('what a killed run left behind is removed by the next, and nothing else', async () => {
    for (const name of ['copy.receiving-0a1b2c3d', 'copy.receiving-notes'])
      await server.psql('postgres', `create database "${name}"`);
    await run('run', 'follow');
    const left = await server.psql('postgres', `select datname from pg_database where datname like 'copy.%'`);
    assert.equal(left, 'copy.receiving-notes');
  });

  test('a database that was not received is left alone', async () => {
    await server.psql('postgres', 'create database taken');
    await server.psql('taken', 'create table mine (id int)');
    const { status, stderr } = await site.run('run', 'wrong');
    assert.equal(status, 15, stderr);
    assert.equal(await server.psql('taken', 'select count(*) from mine'), '0');
  });
});
