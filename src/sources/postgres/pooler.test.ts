import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { hasCode } from '#lib/errors.ts';
import { startPgbouncer } from '../../../test/servers/pgbouncer.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { program, skipWithout } from '../../../test/servers/programs.ts';
import { dumpOf, restoreTo } from './testing.ts';

const skip = skipWithout('postgresql', 'pgbouncer') ?? false;
const execute = promisify(execFile);
let server: PostgresServer;
before(async () => {
  if (skip) return;
  server = await startPostgres();
  await server.psql('postgres', 'create database shop');
  await server.psql('shop', 'create table goods (id int primary key); insert into goods values (1), (2)');
});
after(async () => await server?.[Symbol.asyncDispose]());

test('a database is backed up and restored through a pooler that keeps sessions', { skip }, async () => {
  await using pooler = await startPgbouncer(server, 'session');
  const dumped = await dumpOf(server, { url: pooler.url('shop') });
  await restoreTo(server, dumped, { url: pooler.url('shop_copy') });
  assert.equal(await server.pgDump('shop_copy'), await server.pgDump('shop'));
});

for (const mode of ['transaction', 'statement'] as const)
  test(`a pooler that pools by ${mode} is refused, and its other users keep their settings`, {
    skip,
  }, async () => {
    await using pooler = await startPgbouncer(server, mode);
    const isRefused = (error: unknown): boolean =>
      hasCode(error, 'UNSUPPORTED') && /pool_mode = session/.test(error.hint ?? '');
    await assert.rejects(dumpOf(server, { url: pooler.url('shop') }), isRefused);
    const dumped = await dumpOf(server, { url: server.url('shop') });
    await assert.rejects(restoreTo(server, dumped, { url: pooler.url('shop_copy') }), isRefused);
    assert.equal(await searchPathOf(pooler.url('shop')), '"$user", public');
  });

const searchPathOf = async (url: string): Promise<string> => {
  const { stdout } = await execute(program('psql'), ['-X', '-At', '-d', url, '-c', 'show search_path']);
  return stdout.trim();
};
