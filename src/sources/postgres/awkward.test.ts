import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { dumpOf, restoreTo } from './testing.ts';

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
