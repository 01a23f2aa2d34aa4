import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasCode } from '#lib/errors.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { type Connection, connect } from './connect.ts';
import type { Parameters } from './parameters.ts';
import { sqlState } from './server-error.ts';
import { resolveSettings } from './settings.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;
before(async () => {
  if (skip) return;
  const access = [
    'hostnossl all tls_only all reject',
    'hostssl all no_tls all reject',
    'local all all trust',
  ];
  server = await startPostgres({ tls: true, access });
  await server.psql(
    'postgres',
    `create role tls_only login password 'x'; create role no_tls login password 'x';`,
  );
});
after(async () => await server?.[Symbol.asyncDispose]());

const open = (given: Parameters, signal = new AbortController().signal): Promise<Connection> => {
  const { host, port, user, password } = server;
  const parameters = { host, port: `${port}`, user, password, ...given };
  return connect(resolveSettings(parameters, undefined, {}), 'postgres', signal);
};
const isEncrypted = async (given: Parameters): Promise<boolean> => {
  await using connection = await open(given);
  const [row] = await connection.query<{ ssl: boolean }>(
    'select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()',
  );
  return row?.ssl ?? false;
};
const drain = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const copies: Buffer[] = [];
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
};

test('each mode of TLS connects as libpq would', { skip }, async () => {
  const local = { host: 'localhost', sslrootcert: server.certificate ?? '' };
  assert.equal(await isEncrypted({ sslmode: 'disable' }), false);
  assert.equal(await isEncrypted({ sslmode: 'allow' }), false);
  assert.equal(await isEncrypted({ sslmode: 'prefer' }), true);
  assert.equal(await isEncrypted({ sslmode: 'require' }), true);
  assert.equal(await isEncrypted({ ...local, sslmode: 'verify-ca' }), true);
  assert.equal(await isEncrypted({ ...local, sslmode: 'verify-full' }), true);
  assert.equal(await isEncrypted({ host: server.socketFolder }), false);
});

test('allow and prefer try the other way when the server will not have the first', { skip }, async () => {
  assert.equal(await isEncrypted({ sslmode: 'allow', user: 'tls_only', password: 'x' }), true);
  assert.equal(await isEncrypted({ sslmode: 'prefer', user: 'no_tls', password: 'x' }), false);
});

test('a certificate that is not vouched for, or of another name, is refused', { skip }, async () => {
  const denied = (error: unknown): boolean =>
    hasCode(error, 'SOURCE_DENIED') && /sslrootcert/.test(error.hint ?? '');
  const wrongName = { host: '127.0.0.1', sslmode: 'verify-full', sslrootcert: server.certificate ?? '' };
  await assert.rejects(open(wrongName), denied);
  await assert.rejects(open({ host: 'localhost', sslmode: 'verify-full', sslrootcert: 'system' }), denied);
});

test('a refused login and an unreachable server are told apart, each with a hint and without the password', {
  skip,
}, async () => {
  const has = (code: 'SOURCE_DENIED' | 'SOURCE_UNREACHABLE') => (error: unknown) =>
    hasCode(error, code) && error.hint !== undefined && !error.message.includes('hunter2');
  await assert.rejects(open({ password: 'hunter2' }), has('SOURCE_DENIED'));
  await assert.rejects(open({ password: '' }), has('SOURCE_DENIED'));
  await assert.rejects(open({ port: '1' }), has('SOURCE_UNREACHABLE'));
  await assert.rejects(open({ host: '/nowhere' }), has('SOURCE_UNREACHABLE'));
});

test('rows come out and go in unchanged, whatever their size', { skip }, async () => {
  await using connection = await open({});
  await connection.query(`create temporary table t (id int, note text)`);
  await connection.query(
    `insert into t select i, repeat(chr(97 + i % 26), (i * 7919) % 3000) from generate_series(1, 2000) i
      union all select 0, repeat('long', 1000000) union all select -1, E'tab\\tnew\\nline\\\\ é🐙' union all select -2, null`,
  );
  const copy = connection.copyOut('copy t to stdout');
  const rows = await drain(copy);
  assert.equal(copy.rows, 2003);
  assert.equal(rows.toString('latin1').split('\n').length, 2004);
  await connection.query('create temporary table u (like t)');
  const pieces = function* () {
    for (let at = 0; at < rows.length; at += 100_003) yield rows.subarray(at, at + 100_003);
  };
  assert.deepEqual(await connection.copyIn('copy u from stdin', pieces), { rows: 2003, bytes: rows.length });
  assert.deepEqual(await drain(connection.copyOut('copy u to stdout')), rows);
});

test('an error during a copy leaves the connection usable', { skip }, async () => {
  await using connection = await open({});
  const failing = 'copy (select 1 / (500000 - i) from generate_series(1, 600000) i) to stdout';
  await assert.rejects(drain(connection.copyOut(failing)), (error) => sqlState(error) === '22012');
  await assert.rejects(
    drain(connection.copyOut('copy absent to stdout')),
    (error) => sqlState(error) === '42P01',
  );
  await connection.query('create temporary table t (id int)');
  const wrong = connection.copyIn('copy t from stdin', () => [
    Buffer.from('1\nx\n'),
    Buffer.alloc(2 ** 22, '2\n'),
  ]);
  await assert.rejects(wrong, (error) => sqlState(error) === '22P02');
  assert.deepEqual(await connection.query('select 1 as one'), [{ one: 1 }]);
});

test('a content that breaks off fails the copy with its own error, and nothing is stored', {
  skip,
}, async () => {
  await using connection = await open({});
  await connection.query('create temporary table t (id int)');
  const broken = new Error('the repository went away');
  const content = function* () {
    yield Buffer.from('1\n2\n');
    throw broken;
  };
  await assert.rejects(connection.copyIn('copy t from stdin', content), (error) => error === broken);
  assert.deepEqual(await connection.query('select count(*)::int as n from t'), [{ n: 0 }]);
});

test('a reader that stops early closes the connection', { skip }, async () => {
  await using connection = await open({});
  for await (const _ of connection.copyOut('copy (select i from generate_series(1, 1e7) i) to stdout')) break;
  await assert.rejects(connection.query('select 1'), (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
});

test('a slow reader holds two buffers, and the server waits', { skip }, async () => {
  await using connection = await open({});
  const copy = connection.copyOut(
    `copy (select repeat('x', 10000) from generate_series(1, 20000) i) to stdout`,
  );
  let bytes = 0;
  let most = 0;
  for await (const chunk of copy) {
    bytes += chunk.length;
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, chunk.length);
  }
  assert.equal(bytes, 20_000 * 10_001);
  assert.ok(most < 700_000, `${most} bytes in one chunk`);
});

test('cancelling ends a query with CANCELLED', { skip }, async () => {
  const cancel = new AbortController();
  await using connection = await open({}, cancel.signal);
  const sleeping = connection.query('select pg_catalog.pg_sleep(60)');
  cancel.abort();
  await assert.rejects(sleeping, (error) => hasCode(error, 'CANCELLED'));
});

test('what the server ends is a lost connection', { skip }, async () => {
  await using connection = await open({});
  const [row] = await connection.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  await server.psql('postgres', `select pg_terminate_backend(${row?.pid}, 10000)`);
  await assert.rejects(connection.query('select 1'), (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
});

test('a connection that the server ended while nothing was asked says why', { skip }, async () => {
  const connection = await open({});
  const [row] = await connection.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  await server.psql('postgres', `select pg_terminate_backend(${row?.pid}, 5000)`);
  for (let turns = 0; turns < 1000 && connection.usable; turns += 1) await nextTurn();
  await assert.rejects(connection.query('select 1'), /terminating connection due to administrator command/);
  connection.destroy();
});
