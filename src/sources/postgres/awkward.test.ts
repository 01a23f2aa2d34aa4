import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { contentAt, openSockets } from '../testing.ts';
import { dumpOf, openPostgres, restoreTo } from './testing.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;
before(async () => {
  if (!skip) server = await startPostgres();
});
after(async () => await server?.[Symbol.asyncDispose]());

const names = ['new\nline', 'quo\'te"', '🐙 emoji', 'x'.repeat(63), 'é'.repeat(31), '..', 'back\\slash'];
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

test('databases, tables and columns of any name come back', { skip }, async () => {
  const database = 'odd "one" 🐙'; // pg_dump refuses a line break in this one name
  await server.psql('postgres', `create database ${quoted(database)}`);
  const statements = names.map(
    (name, at) =>
      `create table ${quoted(name)} (${quoted(name)} int primary key); insert into ${quoted(name)} values (${at})`,
  );
  await server.psql(database, statements.join(';'));
  const dumped = await dumpOf(server, { url: server.url('postgres'), databases: [database] });
  const original = await server.pgDump(database);
  await server.psql('postgres', `drop database ${quoted(database)}`);
  await restoreTo(server, dumped, { url: server.url() });
  assert.equal(await server.pgDump(database), original);
});

test('a database with a line break in its name, which pg_dump refuses, is named, and the others are whole', {
  skip,
}, async () => {
  await server.psql('postgres', 'create database "two\nlines"');
  await server.psql('postgres', 'create database beside');
  await server.psql('beside', 'create table t (id int); insert into t values (1)');
  const databases = ['two\nlines', 'beside'];
  const dumped = await dumpOf(server, { databases });
  const [failed, ...more] = dumped.filter(({ failed: error }) => error);
  assert.deepEqual([failed?.path, more.length], ['two=0Alines', 0]);
  assert.ok(hasCode(failed?.failed, 'ITEM_UNREADABLE'));
  assert.match(failed.failed.message, /pg_dump cannot read U&"two\\000Alines": its name has a line break/);
  assert.match(failed.failed.hint ?? '', /alter database U&"two\\000Alines" rename to/);
  assert.equal(contentAt(dumped, 'beside/data/public.t/0000.copy').toString(), '1\n');

  const alone = { url: server.url('two\nlines') };
  await assert.rejects(dumpOf(server, alone), (error) => hasCode(error, 'UNSUPPORTED'));
  await using source = await openPostgres(server, { databases });
  const findings = await source.check();
  assert.deepEqual(
    findings.map(({ level, subject }) => [level, subject]),
    [['error', 'database two\nlines']],
  );
  // As the hint says.
  await server.psql('postgres', 'alter database U&"two\\000Alines" rename to renamed');
});

test('a server without a database is a backup of its roles, and comes back as such', { skip }, async () => {
  await using empty = await startPostgres();
  await empty.psql('template1', 'drop database postgres; create role keeper');
  const dumped = await dumpOf(empty);
  assert.deepEqual(
    dumped.map(({ path }) => path),
    ['00-server.json', '01-globals.sql'],
  );
  await assert.rejects(dumpOf(empty, { databases: ['shop_*'] }), /no database of .* fits the configuration/);
  await using source = await openPostgres(empty);
  assert.deepEqual(await source.check(), []);
  const report = await restoreTo(server, dumped, { url: server.url() });
  assert.deepEqual(report.failures, []);
  assert.match(report.warnings.join(), /had no database/);
  assert.equal(await server.psql('postgres', "select 1 from pg_roles where rolname = 'keeper'"), '1');
});

test('a restore that may not look around leaves no connection behind', { skip }, async () => {
  await server.psql(
    'postgres',
    "create role blind login password 'b'; revoke select on pg_catalog.pg_roles from public",
  );
  const before = await openSockets();
  await assert.rejects(
    restoreTo(server, [], { url: server.url('postgres', 'blind', 'b') }),
    /permission denied for view pg_roles/,
  );
  assert.equal(await openSockets(), before);
});
