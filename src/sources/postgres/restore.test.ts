import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasCode } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { program, skipWithout } from '../../../test/servers/programs.ts';
import { slowLine } from '../../../test/tools/slow-line.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import type { CapturedEntry } from '../testing.ts';
import { inPathOrder, intoEmpty, replay } from '../testing.ts';
import { dumpOf, openPostgres, restoreTo } from './testing.ts';
import { manyKinds, roles } from './testing-database.ts';

const skip = skipWithout('postgresql') ?? false;
const execute = promisify(execFile);
let original: PostgresServer;
let other: PostgresServer;
let dumped: readonly CapturedEntry[];
/** The database that has everything, and names that could be mistaken for something else. */
const databases = ['shop', '00-server.json', "o'd d/b.x", 'héllo'];

before(async () => {
  if (skip) return;
  original = await startPostgres();
  other = await startPostgres();
  await original.psql('postgres', roles);
  for (const name of databases) await original.psql('postgres', `create database "${name}"`);
  await original.psql('shop', manyKinds);
  for (const name of databases.slice(1))
    await original.psql(
      name,
      `create table t (id serial primary key, name text); insert into t (name) select current_database()`,
    );
  await original.psql(
    'postgres',
    `create database latin encoding 'LATIN1' locale 'C' template template0; create table notes (n text); insert into notes values ('x')`,
  );
  await original.psql(
    'latin',
    `create table "Größe" (ä text, m money); insert into "Größe" values ('naïve ÿ', 12.5)`,
  );
  await original.psql('postgres', `create database raw encoding 'SQL_ASCII' locale 'C' template template0`);
  await original.psql(
    'raw',
    `create table bytes (b text default E'caf\\xe9'); comment on table bytes is E'caf\\xe9 é'; insert into bytes values (E'\\\\xff\\xfe caf\\xe9')`,
  );
  dumped = await dumpOf(original, { databases: 'all' });
});
after(async () => {
  await original?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});

const everyDatabase = [...databases, 'postgres', 'latin', 'raw'];
const assertSame = async (server: PostgresServer, names: readonly string[]) => {
  for (const name of names)
    assert.equal(await server.pgDump(name, '--create'), await original.pgDump(name, '--create'), name);
};
/** What the job hands over for one database: its folder, and the files beside it. */
const onlyDatabase = (name: string) =>
  dumped.filter(({ path }) => path.startsWith(`${name}/`) || !path.includes('/'));

test('a whole server comes back on an empty one: every database, and the roles', { skip }, async () => {
  const { failures, warnings } = await restoreTo(other, dumped);
  assert.deepEqual([failures, warnings], [[], []]);
  await assertSame(other, everyDatabase);
  const members = `select r.rolname, m.rolname, rolconfig from pg_auth_members a join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member where r.oid >= 16384`;
  const asked = `select rolname, rolcanlogin, rolvaliduntil, rolconfig from pg_roles where oid >= 16384 order by 1`;
  for (const sql of [asked, members.replace('rolconfig', 'admin_option')])
    assert.equal(await other.psql('postgres', sql), await original.psql('postgres', sql));
  const left = `select count(*) from pg_database where datname like '%holdfast%'`;
  assert.equal(await other.psql('postgres', left), '0');
});

test('text of a database without an encoding keeps its bytes, in definitions too', { skip }, async () => {
  const bytes = `select obj_description('bytes'::regclass)::bytea, pg_get_expr(adbin, adrelid)::bytea from pg_attrdef`;
  assert.equal(await other.psql('raw', bytes), await original.psql('raw', bytes));
});

test('a server with one database of that name in use is refused before anything is written', {
  skip,
}, async () => {
  await other.psql('postgres', 'drop database if exists raw');
  await assert.rejects(restoreTo(other, dumped), (error) => hasCode(error, 'TARGET_NOT_EMPTY'));
  assert.equal(await other.psql('postgres', `select count(*) from pg_database where datname = 'raw'`), '0');
});

test('one database is restored under the name in the URL, or another name, beside the original', {
  skip,
}, async () => {
  await restoreTo(
    original,
    onlyDatabase('shop'),
    { url: original.url('shop_copy') },
    { selection: ['shop'] },
  );
  await restoreTo(
    original,
    onlyDatabase('shop'),
    {},
    { selection: ['shop'], rename: [['shop', 'shop "2"']] },
  );
  for (const name of ['shop_copy', 'shop "2"'])
    assert.equal(await original.pgDump(name), await original.pgDump('shop'));
  const settings = (name: string) =>
    `select setconfig from pg_db_role_setting s join pg_database d on d.oid = setdatabase where datname = '${name}' order by 1`;
  assert.equal(
    await original.psql('postgres', settings('shop "2"')),
    await original.psql('postgres', settings('shop')),
  );
});

test('roles that a single database needs are made without login, and told', { skip }, async () => {
  await using empty = await startPostgres();
  const { warnings } = await restoreTo(empty, onlyDatabase('shop'), { url: empty.url('shop') });
  assert.equal(
    await empty.psql(
      'postgres',
      `select string_agg(rolname, ',' order by 1) from pg_roles where oid >= 16384 and not rolcanlogin`,
    ),
    'Röle "x",reader,shop_owner',
  );
  assert.equal(warnings.filter((warning) => warning.includes('was missing')).length, 3);
  assert.equal(await empty.pgDump('shop'), await original.pgDump('shop'));
});

test('force replaces a database, together with who is connected to it', { skip }, async () => {
  await original.psql('postgres', 'create database victim');
  await original.psql('victim', 'create table precious (id int)');
  const into = { selection: ['shop'], rename: [['shop', 'victim']] as const };
  await assert.rejects(restoreTo(original, onlyDatabase('shop'), {}, into), (error) =>
    hasCode(error, 'TARGET_NOT_EMPTY'),
  );
  await restoreTo(original, onlyDatabase('shop'), {}, { ...into, force: true });
  assert.equal(await original.pgDump('victim'), await original.pgDump('shop'));
});

test('a restore that fails leaves no new database, and the old one as it was', { skip }, async () => {
  const last = onlyDatabase('shop').findLast(({ path }) => path.includes('/data/') && path.endsWith('.copy'));
  const damaged = onlyDatabase('shop').map((entry) =>
    entry === last ? { ...entry, content: Buffer.from('1\t2\t3\t4\t5\n') } : entry,
  );
  const into = { selection: ['shop'], rename: [['shop', 'kept']] as const, force: true };
  await original.psql('postgres', 'create database kept');
  await original.psql('kept', 'create table precious (id int)');
  await assert.rejects(restoreTo(original, damaged, {}, into), (error) => hasCode(error, 'TARGET_FAILED'));
  assert.equal(await original.psql('kept', 'select count(*) from precious'), '0');
  assert.equal(
    await original.psql('postgres', `select count(*) from pg_database where datname like '%holdfast%'`),
    '0',
  );
});

test('wherever its connections break, a restore fails for that, and leaves nothing; what it cannot remove is told', {
  skip,
}, async () => {
  const names = (): Promise<string> =>
    original.psql('postgres', `select datname from pg_database where datname ~ 'holdfast|broken' order by 1`);
  for (let [bytes, broke, half] = [500, true, true]; broke; [bytes, half] = [Math.ceil(bytes * 2.1), !half]) {
    await using line = await slowLine(original.port, 0);
    line.breakAfter(bytes, { half });
    const url = original.url('broken').replace(`:${original.port}/`, `:${line.port}/`);
    const outcome = await restoreTo(original, onlyDatabase('shop'), { url }).then(
      ({ failures }) => assert.deepEqual(failures, [], `after ${bytes} bytes`),
      (error: unknown) => error,
    );
    broke = outcome !== undefined;
    assert.ok(!broke || hasCode(outcome, 'SOURCE_UNREACHABLE'), `after ${bytes} bytes: ${outcome}`);
    assert.equal(await names(), broke ? '' : 'broken', `after ${bytes} bytes`);
  }
  await original.psql('postgres', 'drop database broken');
  await using line = await slowLine(original.port, 0);
  line.breakAfter(20_000, { forGood: true });
  const told: unknown[] = [];
  const log = { ...silentLog, warn: (...said: readonly unknown[]) => void told.push(said) };
  const url = original.url('broken').replace(`:${original.port}/`, `:${line.port}/`);
  await using target = await openPostgres(original, { url }, { log });
  await assert.rejects(target.restore(replay(inPathOrder(onlyDatabase('shop'))), intoEmpty), (error) =>
    hasCode(error, 'SOURCE_UNREACHABLE'),
  );
  const left = await names();
  assert.match(left, /^broken\.holdfast-\w+$/);
  assert.match(JSON.stringify(told), new RegExp(`"database":"${left}".*could not be removed: drop it`));
  await original.psql('postgres', `drop database "${left}" with (force)`);
});

test('a restore whose session is ended says by whom, and not that the snapshot was refused', {
  skip,
}, async () => {
  await original.psql('postgres', 'create database held');
  const end = (who: string): Promise<string> =>
    original.psql(
      'postgres',
      `select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = 'held' and ${who}`,
    );
  const lock = original.psql('held', 'begin; lock table pg_class in share mode; select pg_sleep(60)');
  const holds = lock.catch(() => {});
  const held = `select count(*) from pg_locks where relation = 'pg_class'::regclass and mode = 'ShareLock' and granted`;
  while ((await original.psql('postgres', held)) === '0') await setTimeout(20);
  const restored = restoreTo(original, onlyDatabase('shop'), { url: original.url('held') });
  const refused = assert.rejects(restored, (error) => {
    assert.ok(hasCode(error, 'SOURCE_UNREACHABLE'), `${error}`);
    assert.match(error.message, /was lost: terminating connection due to administrator command/);
    return true;
  });
  while ((await end(`wait_event_type = 'Lock'`)) === '0') await setTimeout(20);
  await refused;
  await end('true');
  await holds;
});

test('rows that are fewer than were captured are not taken for all', { skip }, async () => {
  const fewer = onlyDatabase('shop').map((entry) =>
    entry.path === 'shop/data/public.volatile/0000.copy' ? { ...entry, content: Buffer.from('1\n') } : entry,
  );
  const into = { url: original.url('fewer') };
  await assert.rejects(
    restoreTo(original, fewer, into),
    /captured with 2 rows in 4 bytes and restored with 1 in 2/,
  );
  const without = onlyDatabase('shop').filter(({ path }) => path !== 'shop/data/public.volatile/0000.copy');
  await assert.rejects(restoreTo(original, without, into), /lacks data\/public.volatile\/0000.copy/);
});

test('what cannot be made after the rows is told, and keeps nothing else from being there', {
  skip,
}, async () => {
  await original.psql('postgres', 'create database broken');
  await original.psql(
    'broken',
    `create table a (id int primary key); create table b (a int references a); insert into a values (1); insert into b values (1);
    alter table b disable trigger all; set session_replication_role = replica; delete from a;`,
  );
  const entries = await dumpOf(original, { url: original.url('broken') });
  const { failures } = await restoreTo(original, entries, { url: original.url('broken_copy') });
  assert.equal(failures.length, 1);
  assert.match(`${failures[0]?.error.message}`, /fk constraint public.b b_a_fkey/);
  assert.equal(await original.psql('broken_copy', 'select count(*) from b'), '1');
  await original.psql('postgres', 'create database replaced');
  await original.psql('replaced', 'create table precious (id int)');
  const both = await dumpOf(original, { databases: ['broken', 'héllo'] });
  const rename = [
    ['broken', 'broken_too'],
    ['héllo', 'replaced'],
  ] as const;
  const into = { selection: ['broken', 'héllo'], rename, force: true };
  assert.equal((await restoreTo(original, both, {}, into)).failures.length, 1);
  assert.equal(await original.pgDump('replaced'), await original.pgDump('héllo'));
});

test('what gets in the way of everything else again and again is made after the others', {
  skip,
}, async () => {
  await original.psql('postgres', `create database entangled; alter system set deadlock_timeout = '20ms'`);
  await original.psql('postgres', 'select pg_reload_conf()');
  const names = Array.from({ length: 9 }, (_, index) => `public.t${index}`);
  const looks = names.map((name) => `perform pg_sleep(0.005); perform from ${name};`).join(' ');
  await original.psql(
    'entangled',
    `create function look(id int) returns int immutable language plpgsql as 'begin ${looks} return id; end';
    ${names.map((name) => `create table ${name} as select 1 as id;`).join(' ')}
    ${names.map((name) => `alter table ${name} add exclude using btree (public.look(id) with =);`).join(' ')}`,
  );
  const entries = await dumpOf(original, { url: original.url('entangled') });
  const { failures } = await restoreTo(original, entries, { url: original.url('disentangled') });
  assert.deepEqual(failures, []);
  assert.equal(await original.pgDump('disentangled'), await original.pgDump('entangled'));
});

test('an event trigger that allows no changes does not keep materialised views from being filled', {
  skip,
}, async () => {
  await original.psql('postgres', 'create database strict');
  await original.psql(
    'strict',
    `create materialized view filled as select 1 as one; create function refuse() returns event_trigger language plpgsql as 'begin raise exception ''no changes''; end';
    create event trigger frozen on ddl_command_start execute function refuse(); comment on event trigger frozen is 'f'`,
  );
  const strict = await dumpOf(original, { url: original.url('strict') });
  const { failures } = await restoreTo(other, strict, { url: other.url('strict') });
  assert.deepEqual(failures, []);
  assert.equal(await other.pgDump('strict'), await original.pgDump('strict'));
});

test('privileges on what an extension no longer brings are told, and keep nothing else from being there', {
  skip,
}, async () => {
  await original.psql('postgres', 'create database extended');
  await original.psql(
    'extended',
    `create extension citext; create table t (id int); insert into t values (1); create schema later;
    create table later.added (id int, secret int); create function later.added(int) returns int language sql as 'select 1';
    alter extension citext add table later.added; alter extension citext add function later.added(int);
    grant select on later.added to reader; grant update (secret) on later.added to reader; grant execute on function later.added(int) to reader`,
  );
  const extended = await dumpOf(original, { url: original.url('extended') });
  const { failures, warnings } = await restoreTo(other, extended, { url: other.url('extended') });
  assert.deepEqual(failures, []);
  assert.equal(
    warnings.filter((warning) => /^left as it is: (GRANT|REVOKE) .*does not exist/.test(warning)).length,
    3,
  );
  assert.equal(await other.psql('extended', 'select id from t'), '1');
});

test('SQL of a hostile snapshot runs no program here, whatever it says to psql', { skip }, async () => {
  const marker = join(temporaryFolder('hostile'), 'marker');
  const hostile = onlyDatabase('héllo').map((entry) =>
    entry.path.endsWith('01-pre-data.sql')
      ? {
          ...entry,
          content: Buffer.concat([Buffer.from(`\\! touch ${marker}\n`), entry.content ?? Buffer.alloc(0)]),
        }
      : entry,
  );
  await restoreTo(original, hostile, { url: original.url('harmless') });
  await assert.rejects(execute('ls', [marker]));
});

test('without holdfast, psql alone brings the server back', { skip }, async () => {
  await using target = await startPostgres();
  const folder = temporaryFolder('psql', 0o755);
  for (const { path, type, content } of inPathOrder(dumped))
    if (type === 'file') {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content ?? '');
    }
  const env = {
    PATH: process.env.PATH,
    PGHOST: target.host,
    PGPORT: `${target.port}`,
    PGUSER: target.user,
    PGPASSWORD: target.password,
  };
  const psql = (cwd: string, ...args: readonly string[]) =>
    execute(program('psql'), ['-X', '-q', ...args], { cwd, env });
  await psql(folder, '-f', '01-globals.sql', 'postgres');
  const load = ['-v', 'ON_ERROR_STOP=1', '-f', '01-pre-data.sql', '-f', 'load.sql', '-f', 'post-data.sql'];
  for (const name of ['shop', 'latin', 'raw']) {
    await psql(join(folder, name), '-v', 'ON_ERROR_STOP=1', '-f', '00-database.sql', 'postgres');
    await psql(join(folder, name), ...load, name);
  }
  await assertSame(target, ['shop', 'latin', 'raw']);
});
