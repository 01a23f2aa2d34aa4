import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { edited } from '../testing.ts';
import { inWordsOf } from './restore-roles.ts';
import { dumpOf, restoreTo } from './testing.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;
before(async () => {
  if (skip) return;
  server = await startPostgres();
  await server.psql('postgres', `create role maker login createdb createrole password 'm'`);
});
after(async () => await server?.[Symbol.asyncDispose]());

const members = (): Promise<string> =>
  server.psql(
    'postgres',
    `select member::regrole, roleid::regrole, admin_option from pg_auth_members where roleid >= 16384 and member <> 10 order by 1, 2`,
  );
const forget = async (): Promise<void> => {
  await server.psql('postgres', 'drop database shop');
  await server.psql('postgres', 'drop role clerk, helper, readers');
};

test('roles come back with what they are members of, whatever version wrote it and whoever granted', {
  skip,
}, async () => {
  await server.psql(
    'postgres',
    `create role readers; create role clerk login; create role helper; create database shop;
    grant readers to clerk with admin option; grant readers to helper`,
  );
  await server.psql(
    'shop',
    'create table t (id int); grant select on t to readers; insert into t values (1)',
  );
  const dumped = await dumpOf(server, { databases: ['shop'] });
  const before = await members();
  await forget();
  const other = edited(dumped, '.sql', (sql) =>
    sql
      .replace(/GRANT readers TO helper[^;]*;/, 'GRANT readers TO helper GRANTED BY gone;')
      .replace('GRANT SELECT ON TABLE public.t', 'GRANT SELECT,MAINTAIN ON TABLE public.t'),
  );
  const report = await restoreTo(server, other);
  assert.deepEqual(report.failures, []);
  assert.equal(report.warnings.filter((each) => /as granted by the restoring role/.test(each)).length, 1);
  assert.equal(await members(), before);
  assert.equal(await server.psql('shop', `select has_table_privilege('readers', 't', 'select')`), 't');
  await forget();
});

test('who may create roles brings them back with their logins', { skip }, async () => {
  await server.psql(
    'postgres',
    `create role readers; create role clerk login createdb; create role helper; create database shop owner maker`,
  );
  const dumped = await dumpOf(server, { databases: ['shop'] });
  await forget();
  const report = await restoreTo(server, dumped, { url: server.url('', 'maker', 'm') });
  assert.deepEqual(report.failures, []);
  assert.equal(
    await server.psql('postgres', `select rolcanlogin, rolcreatedb from pg_roles where rolname = 'clerk'`),
    't|t',
  );
  await forget();
});

test('statements about roles say what the version of the server knows, and what anybody may say', () => {
  const inherited = 'GRANT a TO "b c" WITH ADMIN OPTION, INHERIT TRUE GRANTED BY postgres;';
  assert.equal(inWordsOf(inherited, 160_000), inherited);
  assert.equal(inWordsOf(inherited, 150_004), 'GRANT a TO "b c" WITH ADMIN OPTION GRANTED BY postgres;');
  assert.equal(
    inWordsOf('GRANT a TO b WITH INHERIT TRUE GRANTED BY c;', 150_004),
    'GRANT a TO b GRANTED BY c;',
  );
  const restricted = 'GRANT a TO b WITH INHERIT FALSE GRANTED BY c;';
  assert.equal(inWordsOf(restricted, 150_004), restricted);
  assert.equal(
    inWordsOf(
      `ALTER ROLE a WITH NOSUPERUSER INHERIT NOCREATEDB LOGIN NOBYPASSRLS PASSWORD ' NOBYPASSRLS ';`,
      180_000,
    ),
    `ALTER ROLE a WITH INHERIT LOGIN PASSWORD ' NOBYPASSRLS ';`,
  );
});
