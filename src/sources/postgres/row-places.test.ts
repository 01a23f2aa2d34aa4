import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { program, skipWithout } from '../../../test/servers/programs.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { inPathOrder } from '../testing.ts';
import { dumpOf, restoreTo } from './testing.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;
before(async () => {
  if (!skip) server = await startPostgres();
});
after(async () => await server?.[Symbol.asyncDispose]());

const makeDatabase = async (name: string, sql: string): Promise<void> => {
  await server.psql('postgres', `create database ${name}`);
  await server.psql(name, sql);
};

/** As the manual's lines do it. */
const loadWithPsql = async (from: string, to: string): Promise<void> => {
  const folder = temporaryFolder('psql', 0o755);
  for (const { path, type, content } of inPathOrder(await dumpOf(server, { url: server.url(from) })))
    if (type === 'file') {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content ?? '');
    }
  await server.psql('postgres', `create database ${to}`);
  const files = ['01-pre-data.sql', 'load.sql', 'post-data.sql'].flatMap((file) => ['-f', file]);
  const args = ['-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', ...files, server.url(to)];
  execFileSync(program('psql'), args, { cwd: join(folder, from) });
};

test('functions that name no schema find what they need when rows, indexes and views come back', {
  skip,
}, async () => {
  await makeDatabase(
    'unnamed',
    `create schema lib; create schema app; alter database unnamed set search_path = lib, public;
    create function lib.twice(int) returns int language plpgsql immutable as $$ begin return $1 * 2; end $$;
    create function app.half(int) returns int language plpgsql immutable as $$ begin return $1 / 2; end $$;
    create function app.both(int) returns int language plpgsql immutable as $$ begin return twice($1) + half($1); end $$;
    set search_path = lib, app;
    create table app.t (i int check (app.both(i) > 0), g int generated always as (app.both(i)) stored); insert into app.t values (2), (4)`,
  );
  await restoreTo(server, await dumpOf(server, { url: server.url('unnamed') }), {
    url: server.url('unnamed_too'),
  });
  await loadWithPsql('unnamed', 'unnamed_by_psql');
  for (const name of ['unnamed_too', 'unnamed_by_psql'])
    assert.equal(await server.pgDump(name), await server.pgDump('unnamed'));
  await server.psql(
    'unnamed',
    `set search_path = lib, app; create index on app.t (app.both(i)); create materialized view app.m as select app.both(i) from app.t`,
  );
  const dumped = await dumpOf(server, { url: server.url('unnamed') });
  const { failures } = await restoreTo(server, dumped, { url: server.url('unnamed_again') });
  assert.deepEqual(failures, []);
  assert.equal(await server.pgDump('unnamed_again'), await server.pgDump('unnamed'));
});

test('an index whose function finds nothing without a schema is named, and what to alter', {
  skip,
}, async () => {
  await makeDatabase(
    'astray',
    `create function twice(int) returns int language sql immutable as 'select $1 * 2';
    create function four(int) returns int language plpgsql immutable as $$ begin return twice(twice($1)); end $$;
    create table t (i int); insert into t values (2); create index on t (four(i)); drop function twice`,
  );
  const dumped = await dumpOf(server, { url: server.url('astray') });
  const { failures } = await restoreTo(server, dumped, { url: server.url('astray_too') });
  const hints = failures.map(({ error }) => (error instanceof HoldfastError ? error.hint : undefined));
  assert.equal(hints.length, 1);
  assert.match(`${hints}`, /set search_path/);
});

test('rows go to the partition that the hash of their enum means in the new database', { skip }, async () => {
  await makeDatabase(
    'hashed',
    `create type letter as enum ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'); create table t (l letter) partition by hash (l);
    create table t0 partition of t for values with (modulus 2, remainder 0); create table t1 partition of t for values with (modulus 2, remainder 1);
    insert into t select unnest(enum_range(null::letter))`,
  );
  await restoreTo(server, await dumpOf(server, { url: server.url('hashed') }), {
    url: server.url('hashed_too'),
  });
  await loadWithPsql('hashed', 'hashed_by_psql');
  for (const name of ['hashed_too', 'hashed_by_psql'])
    assert.equal(await server.psql(name, `select string_agg(l::text, '' order by l) from t`), 'abcdefgh');
});
