import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { startBalancer } from '../../../test/servers/balancer.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { configFromUrl, settingsOf } from './config.ts';
import { connect } from './connect.ts';
import { openReading } from './reading.ts';

const skip = skipWithout('postgresql') ?? false;
const { signal } = new AbortController();
let one: PostgresServer;
let other: PostgresServer;
before(async () => {
  if (skip) return;
  one = await startPostgres();
  other = await startPostgres();
});
after(async () => {
  await one?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});

/** Through a balancer. */
const settingsAt = (port: number) =>
  settingsOf(configFromUrl(one.url('postgres').replace(`:${one.port}/`, `:${port}/`)));

test('a balancer that leads to several servers is told as what it is', { skip }, async () => {
  await using balancer = await startBalancer([one.port, other.port]);
  const settings = { ...settingsAt(balancer.port), tls: [false] as const };
  const holder = await connect(settings, 'postgres', signal);
  await holder.query('begin isolation level repeatable read');
  const [row] = await holder.query<{ id: string }>('select pg_catalog.pg_export_snapshot() as id');
  await using reading = openReading({ settings, holder, snapshot: row?.id ?? '', connections: 1, signal });
  const rows = reading.copy({ sql: 'copy (select 1) to stdout', onRows: () => {} });
  await assert.rejects(
    Array.fromAsync(rows),
    (error) => hasCode(error, 'UNSUPPORTED') && /several servers/.test(error.message),
  );
});

test('a connection that is not used for long is not silent', { skip }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  await using balancer = await startBalancer([one.port]);
  await using connection = await connect(settingsAt(balancer.port), 'postgres', signal);
  const [row] = await connection.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  t.mock.timers.tick(15_000);
  t.mock.timers.tick(15_000);
  const last = `select query from pg_stat_activity where pid = ${row?.pid} and state = 'idle'`;
  let answer = '';
  for (let tries = 0; tries < 100 && answer !== 'select 1'; tries += 1)
    answer = await one.psql('postgres', last);
  assert.equal(answer, 'select 1');
});
