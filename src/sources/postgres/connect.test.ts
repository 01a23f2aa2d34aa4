import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasCode } from '#lib/errors.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { program, skipWithout } from '../../../test/servers/programs.ts';
import { slowLine } from '../../../test/tools/slow-line.ts';
import { type Connection, connect } from './connect.ts';
import type { Parameters } from './parameters.ts';
import { runProgram } from './pg-dump.ts';
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
/** Answers what comes first on each connection, and ends it. */
const answering = (answer: (asked: Buffer) => Buffer) =>
  listening((socket) => void socket.once('data', (asked) => socket.end(answer(asked))));
const isTlsRequest = (asked: Buffer): boolean => asked.length === 8;

/** A line on which the first of what the server sends so becomes something else. */
const changingLine = (port: number, from: Buffer, to: Buffer) =>
  listening((socket) => {
    let isDone = false;
    const behind = connectTo(port, '127.0.0.1').on('error', () => {});
    socket.pipe(behind);
    behind.on('data', (chunk) => {
      const at = isDone ? -1 : chunk.indexOf(from);
      isDone ||= at >= 0;
      if (at >= 0) to.copy(chunk, at);
      socket.write(chunk);
    });
    socket.on('close', () => behind.destroy());
  });

const listening = async (onSocket: (socket: Socket) => void) => {
  const listener = createServer((socket) => onSocket(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: `${(listener.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
    },
  };
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

test('of a server without TLS that breaks off, the break is told and not the lack of TLS', {
  skip,
}, async () => {
  await using breaking = await answering((asked) =>
    isTlsRequest(asked) ? Buffer.from('N') : Buffer.alloc(0),
  );
  await assert.rejects(
    open({ port: breaking.port, sslmode: 'prefer' }),
    (error) => hasCode(error, 'SOURCE_UNREACHABLE') && /terminated/.test(error.message),
  );
});

test('what is no message of a server ends the connection, and not the process', { skip }, async () => {
  const strange = [
    Buffer.from([...Buffer.from('R'), 0, 0, 0, 8, 0, 0, 0x80, 0x0a]), // another way to log in than there is
    Buffer.from([...Buffer.from('T'), 0, 0, 0, 6, 0, 9]), // nine columns, of which none comes
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ];
  for (const message of strange) {
    await using speaking = await answering(() => message);
    await assert.rejects(open({ port: speaking.port, sslmode: 'disable' }), (error) =>
      hasCode(error, 'SOURCE_UNREACHABLE'),
    );
  }
});

test('a row whose length was changed on the way ends the connection, and is not waited for', {
  skip,
}, async () => {
  const row = Buffer.from([0x64, 0, 0, 0, 6]);
  for (const length of [3, 5, 7, 38, 0x80000006]) {
    const changed = Buffer.from(row);
    changed.writeUInt32BE(length, 1);
    await using line = await changingLine(server.port, row, changed);
    await using connection = await open({ port: line.port, sslmode: 'disable' });
    await assert.rejects(
      drain(connection.copyOut('copy (select 1 from generate_series(1, 9)) to stdout')),
      /no message of PostgreSQL/,
    );
  }
});

test('pg_dump whose connection breaks is a lost connection, told without the query that it was at', {
  skip,
}, async () => {
  await using line = await slowLine(server.port, 0);
  line.breakAfter(3000);
  const output = runProgram({
    path: program('pg_dump'),
    args: [`--dbname=host=127.0.0.1 port=${line.port} user=postgres dbname=postgres sslmode=disable`],
    environment: { PGPASSWORD: server.password },
    signal: new AbortController().signal,
    onWarning: () => {},
  });
  await assert.rejects(
    drain(output),
    (error) =>
      hasCode(error, 'SOURCE_UNREACHABLE') &&
      /server closed the connection/.test(error.message) &&
      /run again/.test(error.hint ?? '') &&
      !/SELECT/.test(error.message),
  );
});

test('a connection that breaks while rows go in is a lost connection', { skip }, async () => {
  await using line = await slowLine(server.port, 0);
  await using connection = await open({ port: `${line.port}`, sslmode: 'disable' });
  await connection.query('create temporary table t (line text)');
  line.breakAfter(1_000_000);
  const content = function* () {
    for (let at = 0; at < 300; at += 1) yield Buffer.alloc(100_000, 'rows\n');
  };
  await assert.rejects(connection.copyIn('copy t from stdin', content), (error) =>
    hasCode(error, 'SOURCE_UNREACHABLE'),
  );
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
  while (connection.usable) await nextTurn();
  await assert.rejects(connection.query('select 1'), /terminating connection due to administrator command/);
  connection.destroy();
});

test('once it was said that the session ends it is not used again', { skip }, async () => {
  await using connection = await open({});
  await assert.rejects(connection.query('select pg_terminate_backend(pg_backend_pid())'), {
    code: 'SOURCE_UNREACHABLE',
  });
  assert.equal(connection.usable, false);
  await assert.rejects(connection.query('select 1'), /terminating connection due to administrator command/);
});

test('an error of a server beyond this one is no end of the session', { skip }, async () => {
  await using connection = await open({});
  const beyond = `do $$ begin raise exception 'could not connect to server "far"' using errcode = '08001'; end $$`;
  await assert.rejects(connection.query(beyond), (error) => sqlState(error) === '08001');
  assert.ok(connection.usable);
});
