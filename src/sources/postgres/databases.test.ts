import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { contentAt, edited } from '../testing.ts';
import { dumpOf, openPostgres, restoreTo } from './testing.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;
before(async () => {
  if (skip) return;
  server = await startPostgres();
  await server.psql(
    'postgres',
    `create role keeper login password 'k' bypassrls; grant pg_read_all_data to keeper;
    create database closed; create database denied; create database half_dropped; create database shop; create database mould is_template true;
    alter database closed allow_connections false; revoke connect on database denied from public;
    update pg_database set datconnlimit = -2 where datname = 'half_dropped'`,
  );
  for (const name of ['shop', 'mould'])
    await server.psql(name, 'create table t (id int); insert into t values (1)');
});
after(async () => await server?.[Symbol.asyncDispose]());

test('databases that alone cannot be read are named, and the others are whole', { skip }, async () => {
  const asKeeper = { url: server.url('', 'keeper', 'k'), databases: 'all' };
  const dumped = await dumpOf(server, asKeeper);
  const failed = dumped.flatMap(({ path, failed: error }) => (error ? [[path, error.message] as const] : []));
  assert.deepEqual(
    failed.map(([path]) => path),
    ['closed', 'denied', 'half_dropped'],
  );
  assert.match(
    failed.map(([, message]) => message).join('\n'),
    /closed does not allow connections\n.*denied: .*permission denied.*\n.*half_dropped is invalid/,
  );
  for (const name of ['shop', 'mould'])
    assert.equal(contentAt(dumped, `${name}/data/public.t/0000.copy`).toString(), '1\n');
  await using source = await openPostgres(server, asKeeper);
  const errors = (await source.check()).filter(({ level }) => level === 'error');
  assert.deepEqual(errors.map(({ subject }) => subject).toSorted(), [
    'database closed',
    'database denied',
    'database half_dropped',
  ]);
});

test('when no database can be read, the source fails', { skip }, async () => {
  const databases = ['denied', 'half_dropped'];
  const url = server.url('', 'keeper', 'k');
  await assert.rejects(
    dumpOf(server, { url, databases }),
    (error) => hasCode(error, 'SOURCE_DENIED') && /permission denied/.test(error.message),
  );
});

test('a template with a subscription comes back as one, and can be replaced', { skip }, async () => {
  const none = `connection 'host=nowhere' publication p with (connect = false, slot_name = 'of_somebody')`;
  await server.psql('mould', `create subscription news ${none}`);
  const dumped = await dumpOf(server, { url: server.url('mould') });
  await server.psql('mould', 'insert into t values (2)');
  await restoreTo(server, dumped, { url: server.url('mould') }, { force: true });
  await restoreTo(server, dumped, { url: server.url('mould') }, { force: true });
  assert.equal(await server.psql('mould', 'select id from t'), '1');
  assert.equal(await server.psql('mould', 'select subslotname from pg_subscription'), 'of_somebody');
  assert.equal(
    await server.psql('postgres', `select count(*) from pg_database where datname like 'mould%'`),
    '1',
  );
  const templates = `select string_agg(datname, ',' order by datname) from pg_database where datistemplate`;
  assert.equal(await server.psql('postgres', templates), 'mould,template0,template1');
});

test('what a role may not see of a database is told', { skip }, async () => {
  await server.psql(
    'shop',
    `create foreign data wrapper far; create server there foreign data wrapper far; create user mapping for keeper server there options (password 'p');
    create user mapping for postgres server there options (password 'p');
    create subscription orders connection 'host=nowhere' publication p with (connect = false, slot_name = none)`,
  );
  await using source = await openPostgres(server, { url: server.url('shop', 'keeper', 'k') });
  const messages = (await source.check()).map(({ message }) => message).join('\n');
  assert.match(
    messages,
    /may read the options of \d user mappings?, passwords among them: not in the backup/,
  );
  assert.match(messages, /may read 1 subscription: not in the backup/);
  await using asSuperuser = await openPostgres(server, { url: server.url('shop') });
  assert.deepEqual(await asSuperuser.check(), []);
});

test('settings of a database that was there before are told, not changed', { skip }, async () => {
  await server.psql(
    'postgres',
    `create database set; alter database set set work_mem = '7MB'; create database there`,
  );
  const dumped = await dumpOf(server, { url: server.url('set') });
  const { warnings } = await restoreTo(server, dumped, { url: server.url('there') });
  assert.deepEqual(warnings, [
    "the database was there before, so this was not set: ALTER DATABASE set SET work_mem TO '7MB';",
  ]);
});

test('a setting that only a superuser may make is reported, and the database is there', {
  skip,
}, async () => {
  await server.psql(
    'postgres',
    `create role builder login createdb password 'b'; create database logged owner builder; alter database logged set log_statement = 'none'`,
  );
  const dumped = await dumpOf(server, { url: server.url('logged') });
  const { failures } = await restoreTo(server, dumped, { url: server.url('logged_too', 'builder', 'b') });
  assert.deepEqual(
    failures.map(({ path, error }) => [path, /permission denied .*log_statement/.test(error.message)]),
    [['logged/00-database.sql', true]],
  );
});

test('rows of an extension come back whose tables refer to each other, also where it is already', {
  skip,
}, async () => {
  const extension = `create extension citext; create schema topology; create table topology.topology (id int primary key);
    create table topology.layer (topology int references topology.topology);
    alter extension citext add schema topology; alter extension citext add table topology.topology; alter extension citext add table topology.layer;
    update pg_extension set extcondition = array['', ''],
      extconfig = array['topology.topology'::regclass::oid, 'topology.layer'::regclass] where extname = 'citext'`;
  for (const database of ['layered', 'layered_too']) {
    await server.psql('postgres', `create database ${database}`);
    await server.psql(database, extension);
  }
  await server.psql(
    'layered',
    'insert into topology.topology values (1); insert into topology.layer values (1)',
  );
  const dumped = await dumpOf(server, { url: server.url('layered') });
  const { failures } = await restoreTo(server, dumped, { url: server.url('layered_too') });
  assert.deepEqual(failures, []);
  assert.equal(await server.psql('layered_too', 'select topology from topology.layer'), '1');
  const script = dumped.find(({ path }) => path === 'layered/load.sql')?.content;
  assert.match(
    Buffer.from(script ?? []).toString(),
    /copy "topology"\."topology" .*copy "topology"\."layer" /s,
  );
});

test('what the server advises about an extension that it refuses is told', { skip }, async () => {
  await server.psql('postgres', 'create database advised');
  await server.psql('advised', 'create extension citext');
  const dumped = await dumpOf(server, { url: server.url('advised') });
  const other = edited(dumped, '01-pre-data.sql', (sql) =>
    sql.replace('EXISTS citext', 'EXISTS earthdistance'),
  );
  const { failures } = await restoreTo(server, other, { url: server.url('advised_too') });
  assert.deepEqual(
    failures.map(({ error }) => error instanceof HoldfastError && error.hint),
    ['Use CREATE EXTENSION ... CASCADE to install required extensions too.'],
  );
});

test('an extension that the server lacks is reported with the rows it kept, and all else is there', {
  skip,
}, async () => {
  await server.psql('postgres', 'create database extended');
  await server.psql(
    'extended',
    `create schema jobs; create table jobs.job (id serial); insert into jobs.job values (1); create table t (id int); insert into t values (1);
    create extension citext`,
  );
  const lacking = edited(await dumpOf(server, { url: server.url('extended') }), '01-pre-data.sql', (sql) =>
    sql
      .replace('EXISTS citext', 'EXISTS not_here')
      .replace(/CREATE (TABLE|SEQUENCE) jobs\.[^;]*;|ALTER (TABLE|SEQUENCE) [^;]*jobs\.[^;]*;/g, ''),
  );
  const { failures } = await restoreTo(server, lacking, { url: server.url('lacking') });
  assert.match(
    failures.map(({ error }) => error.message).join('\n'),
    /extension citext .*not available.*\nrows of jobs\.job .*not exist/,
  );
  assert.equal(await server.psql('lacking', 'select id from t'), '1');
});
