// Drills of a PostgreSQL server: green for every kind of object, red for whatever does not come back, and nobody else's database touched.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { DrillRun } from '../src/jobs/drill/drill.ts';
import { HoldfastError } from '../src/lib/errors.ts';
import { manyKinds, roles } from '../src/sources/postgres/testing-database.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { type DrillSite, drillSite, drillWith, tamper } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('drills of PostgreSQL', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('drill-postgres');
  let server: PostgresServer;
  let spare: PostgresServer;
  let site: DrillSite;

  before(async () => {
    [server, spare] = await Promise.all([startPostgres(), startPostgres()]);
    await server.psql(
      'postgres',
      `${roles} create database shop; create database wiki; create role maker login createdb password 'm'; create role guest login password 'g'; create database mine owner maker;`,
    );
    await server.psql('shop', manyKinds);
    await server.psql(
      'wiki',
      `create table pages (id int primary key, body text); insert into pages select i, md5(i::text) from generate_series(1, 100) i;
        create table notes (id serial primary key, body text); insert into notes (body) values ('a'), ('b'); create table tags (t text); insert into tags values ('x');
        create index by_body on pages (body); create function f() returns trigger language plpgsql as 'begin return new; end'; create trigger t before update on notes for each row execute function f();
        create table posts (id int primary key); create table polls (options text, votes int generated always as (length(options)) stored) inherits (posts);
        alter table posts add column title text not null default ''; insert into polls values (1, 'yes', default, 'which');
        create table states (state varchar(9) check (state in ('on', 'off')), at date); create index on states (at) where state in ('on', 'so');
        create view years as select extract(YEAR from at) - 1 as year, null::int from states union select 1, null::int; insert into states values ('on');
        create publication all_pages for all tables`,
    );
    await server.psql(
      'wiki',
      `create subscription far connection 'host=nowhere dbname=x' publication p with (connect = false)`,
    );
    await server.psql(
      'mine',
      `set role maker; create table pages (id int primary key, body text); insert into pages values (1, 'a');
        reset role; select lo_from_bytea(4711, 'somebody else’s'); comment on large object 4711 is 'kept'; grant select on large object 4711 to maker`,
    );
    mkdirSync(join(folder, 'scratch'));
    site = await drillSite(
      folder,
      `
sources:
  all: { kind: postgres, url: "${server.url()}", databases: [shop, wiki] }
  wiki: { kind: postgres, url: "${server.url('wiki')}" }
  mine: { kind: postgres, url: "${server.url('mine', 'maker', 'm')}" }
  guest: { kind: postgres, url: "${server.url('mine', 'guest', 'g')}" }
  spare: { kind: postgres, url: "${spare.url()}" }
jobs:
  nightly: { backup: [all, wiki, mine], to: [here] }
  again: { backup: [wiki], to: [here] }
  prove:
    drill:
      - source: all
        queries:
          - { query: "select count(*), count(null) from orders", database: shop, expect: 12000 }
          - { query: select max(at) from events, database: shop, expect: "> 2024" }
          - { query: select body from pages, database: wiki, rows: 100 }
      - mine
    from: here
  elsewhere:
    drill: [{ source: all, into: spare }]
    from: here
  doubt:
    drill:
      - source: wiki
        queries: [{ query: select count(*) from pages, expect: "< 100" }, { query: select 1 / 0 }]
    from: here
  ended:
    drill: [{ source: wiki, queries: [{ query: select pg_terminate_backend(pg_backend_pid()) }] }]
    from: here
  doubtEnded:
    drill: [{ source: wiki, queries: [{ query: select 1, expect: 2 }, { query: select pg_terminate_backend(pg_backend_pid()) }] }]
    from: here
`,
    );
    const { status, stderr } = await site.run('backup', 'nightly');
    assert.equal(status, 0, stderr);
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await spare?.[Symbol.asyncDispose]();
  });

  const databasesOf = (of: PostgresServer): Promise<string> =>
    of.psql('postgres', 'select datname from pg_database where not datistemplate order by 1');
  const untouched = 'mine\npostgres\nshop\nwiki';

  const differencesOf = async (run: DrillRun): Promise<readonly string[]> => {
    const [outcome] = run.outcomes;
    assert.ok(outcome && 'report' in outcome, JSON.stringify(outcome));
    assert.equal(run.status, 4);
    assert.equal(await databasesOf(server), untouched);
    return outcome.report.firstDifferences;
  };

  test('every kind of object comes back, several databases at once, also for a role that is no superuser', async () => {
    const { status, stdout, stderr } = await site.run('drill', 'prove');
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^mine: note: 1 large objects stay with the restoring role/m);
    assert.equal(await databasesOf(server), untouched);
  });

  test('on another server nothing stays, not even the roles that were made for it', async () => {
    const { status, stdout, stderr } = await site.run('drill', 'elsewhere');
    assert.equal(status, 0, stdout + stderr);
    assert.equal(await databasesOf(spare), 'postgres');
    assert.equal(await spare.psql('postgres', "select count(*) from pg_roles where rolname !~ '^pg_'"), '1');
  });

  test('an heir, whose columns come back in another order, is found the same', async () => {
    const drill = await drillWith(site, 'wiki', async ({ name }) => {
      const columns = `select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = 'polls'::regclass and attnum > 0`;
      assert.equal(await server.psql('wiki', columns), 'id,options,votes,title');
      assert.equal(await server.psql(`${name}_1`, columns), 'id,title,options,votes');
    });
    assert.equal(drill.status, 0, JSON.stringify(drill.outcomes));
  });

  test('each row, cell, table, index, trigger and counter that a restore lost is named', async () => {
    const run = await drillWith(site, 'wiki', async ({ name }) => {
      await server.psql(
        `${name}_1`,
        `delete from pages where id = 7; update notes set body = 'c' where id = 2; drop table tags;
        drop index by_body; drop trigger t on notes; select setval('notes_id_seq', 1)`,
      );
    });
    const differences = await differencesOf(run);
    assert.deepEqual(
      differences.filter((text) => !/\d bytes|checksum/.test(text)),
      [
        'wiki: table public.pages: 99 rows, captured were 100',
        'wiki: table public.tags: its rows are missing',
        'wiki: table public.tags is missing',
        'wiki: the value of sequence public.notes_id_seq is not as it was captured',
        'wiki: index public.by_body is missing',
        'wiki: trigger public.notes t is missing',
      ],
    );
    assert.ok(
      differences.some((text) =>
        text.startsWith('wiki: table public.notes: its rows are not those captured'),
      ),
    );
  });

  test('a query that fails or gives something else is a difference', async () => {
    const { status, stderr } = await site.run('drill', 'doubt');
    assert.equal(status, 4);
    assert.match(stderr, /select count\(\*\) from pages: expected was < 100, found: 100/);
    assert.match(stderr, /select 1 \/ 0: expected was at least one row, found: it failed: division by zero/);
  });

  test('a query whose session is ended says nothing of the snapshot, and nothing that was found before is lost', async () => {
    const ended = await site.run('drill', 'ended');
    assert.equal(ended.status, 13, ended.stdout + ended.stderr);
    assert.match(ended.stderr, /could not be drilled: .* terminating connection/);
    const doubt = await site.run('drill', 'doubtEnded');
    assert.equal(doubt.status, 4, doubt.stdout + doubt.stderr);
    assert.match(doubt.stderr, /select 1: expected was 2, found: 1/);
    assert.match(doubt.stdout, /note: not all queries could be asked: .* terminating connection/);
  });

  test('a snapshot that lost a row or had a cell changed is not proven', async () => {
    const inPages = (change: (text: string) => string) => (path: string, text: string) =>
      path.includes('public.pages') ? change(text) : text;
    await tamper(
      site,
      'wiki',
      inPages((text) => text.slice(text.indexOf('\n') + 1)),
    );
    const lost = await site.run('drill', 'latest:wiki');
    assert.equal(lost.status, 4);
    assert.match(lost.stderr, /wiki: table public.pages: 99 rows, captured were 100/);
    await site.run('backup', 'again');
    await tamper(
      site,
      'wiki',
      inPages((text) => text.replace('c', 'e')),
    );
    const changed = await site.run('drill', 'latest:wiki');
    assert.equal(changed.status, 4);
    assert.match(changed.stderr, /wiki: table public.pages: its rows are not those captured/);
    await site.run('backup', 'again');
    assert.equal(await databasesOf(server), untouched);
  });

  test('a drill that cannot be done says so, and nothing against the snapshot', async () => {
    const denied = await site.run('drill', 'latest:mine', '--into', 'guest');
    assert.equal(denied.status, 1, denied.stdout + denied.stderr);
    assert.match(denied.stderr, /permission denied to create database/);
    assert.match(denied.stderr, /grant createdb to guest/);
    assert.doesNotMatch(denied.stdout + denied.stderr, /DIFFERS|not in the snapshot/);
    const gone = await drillWith(site, 'wiki', () => {
      throw new HoldfastError('SOURCE_UNREACHABLE', 'the server went away');
    });
    assert.equal(gone.status, 13);
    const placed = await site.run('drill', 'latest:mine', '--scratch', folder);
    assert.equal(placed.status, 2);
    assert.match(placed.stderr, /--scratch means nothing for a snapshot of kind postgres/);
    assert.equal(await databasesOf(server), untouched);
  });

  test('a scratch server without room for an index says nothing against the snapshot', async () => {
    await server.psql('postgres', 'create database narrow');
    await server.psql(
      'narrow',
      `create table t as select 1 as id; create function full_there(id int) returns int immutable language plpgsql as $$
        begin if current_database() like 'holdfast%' then raise exception 'no space left on device' using errcode = '53100'; end if; return id; end $$;
        create index on t (full_there(id))`,
    );
    mkdirSync(join(folder, 'narrow'));
    const { run } = await drillSite(
      join(folder, 'narrow'),
      `
sources: { narrow: { kind: postgres, url: "${server.url('narrow')}" } }
jobs: { nightly: { backup: [narrow], to: [here] } }
`,
    );
    assert.equal((await run('backup')).status, 0);
    const { status, stdout, stderr } = await run('drill', 'nightly');
    await server.psql('postgres', 'drop database narrow');
    assert.equal(status, 1, stdout);
    assert.match(stderr, /could not be drilled: .*no space left on device/);
    assert.doesNotMatch(stderr, /DIFFERS|rely/);
  });

  test('a role that may not make an extension says nothing against the snapshot', async () => {
    await server.psql('postgres', 'create database extended');
    await server.psql('postgres', "create role limited login createdb password 'limited'");
    await server.psql('extended', 'create extension pageinspect; create table t as select 1 as id');
    mkdirSync(join(folder, 'extended'));
    const limited = server.url('postgres', 'limited', 'limited');
    const { run } = await drillSite(
      join(folder, 'extended'),
      `
sources: { extended: { kind: postgres, url: "${server.url('extended')}" } }
jobs: { nightly: { backup: [extended], to: [here] } }
`,
    );
    assert.equal((await run('backup')).status, 0);
    const { status, stdout, stderr } = await run('drill', 'latest:extended', '--into', limited);
    await server.psql('postgres', 'drop database extended; drop role limited');
    assert.equal(status, 1, stdout + stderr);
    assert.match(stderr, /could not be drilled: .*permission denied to create extension/);
    assert.doesNotMatch(stderr, /DIFFERS|rely/);
  });

  test('what a killed drill left behind is dropped by the next one, and nothing else', async () => {
    await server.psql('postgres', 'create database holdfast_drill_somebodyelses');
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'tools', 'kill-drill.ts'),
      folder,
      'wiki',
    ]);
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.equal(signal, 'SIGKILL');
    assert.match(await databasesOf(server), /^holdfast_drill_[a-z0-9]{12}_1$/m);
    assert.equal((await site.run('drill', 'latest:wiki')).status, 0);
    assert.equal(await databasesOf(server), `holdfast_drill_somebodyelses\n${untouched}`);
    await server.psql('postgres', 'drop database holdfast_drill_somebodyelses');
  });
});
