import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { configSchema, settingsOf } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { dumpOf, restoreTo } from './testing.ts';

const open = (config: Readonly<Record<string, unknown>>): Promise<Connection> =>
  connect(settingsOf(configSchema.parse(config)), new AbortController().signal);
const cipher = async (config: Readonly<Record<string, unknown>>): Promise<string> => {
  await using connection = await open(config);
  const [row] = await connection.query<{ Value: string }>("show session status like 'Ssl_cipher'");
  return row?.Value ?? '';
};
const denied = (error: unknown): boolean => hasCode(error, 'SOURCE_DENIED') && error.hint !== undefined;

suite('connecting to MariaDB', { skip: skipWithout('mariadb') ?? false }, () => {
  const folder = temporaryFolder('mysql-connect');
  let server: MysqlServer;
  before(async () => {
    server = await startMariadb({ tls: true });
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const there = (): Record<string, unknown> => ({
    host: 'localhost',
    port: server.port,
    user: server.user,
    password: server.password,
  });

  test('TLS in every mode', async () => {
    assert.match(await cipher(there()), /TLS|AES/);
    assert.equal(await cipher({ ...there(), sslMode: 'disabled' }), '');
    const sslCa = server.certificate;
    for (const sslMode of ['required', 'verify-ca', 'verify-identity'])
      assert.match(await cipher({ ...there(), sslMode, sslCa }), /TLS|AES/, sslMode);
    const other = { ...there(), host: '127.0.0.1', sslCa };
    assert.match(await cipher({ ...other, sslMode: 'verify-ca' }), /TLS|AES/);
    await assert.rejects(open({ ...there(), sslMode: 'verify-ca' }), denied);
  });

  test('a server without TLS is taken by "preferred" and refused by "required"', async () => {
    await using plain = await startMariadb();
    const config = { ...there(), port: plain.port };
    assert.equal(await cipher(config), '');
    await assert.rejects(open({ ...config, sslMode: 'required' }), denied);
  });

  test('through the socket, by its path or as the system’s own user', async () => {
    await using connection = await open({
      socket: server.socket,
      user: server.user,
      password: server.password,
    });
    assert.ok(connection.usable);
    await server.sql(`install soname 'auth_socket'`).catch(() => {}); // built in where it is not a plugin
    const name = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
    await server.sql(`create or replace user ${name}@localhost identified via unix_socket`);
    await using own = await open({ socket: server.socket, user: name });
    assert.deepEqual(await own.query('select user() as user'), [{ user: `${name}@localhost` }]);
  });

  test('an option file has the password, and no process shows it', async () => {
    const defaultsFile = join(folder, 'my.cnf');
    const lines = [
      '[client]',
      'host=127.0.0.1',
      `port=${server.port}`,
      `user=${server.user}`,
      `password="${server.password}"`,
    ];
    writeFileSync(defaultsFile, lines.join('\n'), { mode: 0o600 });
    await using connection = await open({ defaultsFile });
    assert.ok(connection.usable);
    await assert.rejects(
      open({ ...there(), password: 'not the pass' }),
      (error) => denied(error) && !/not the pass/.test(`${error}`),
    );
  });
});

suite('connecting to MySQL', { skip: skipWithoutMysql() ?? false }, () => {
  let server: MysqlServer;
  before(async () => {
    server = await startMysql();
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  test('as users who may do no more than the manual says', async () => {
    await server.sql(
      `create database few; create table few.t (id int primary key); insert into few.t values (1);
       create user reader@'%' identified by 'r'; grant select, show view, trigger, event, reload on *.* to reader@'%';
       create user writer@'%' identified by 'w'; grant all on copy.* to writer@'%'`,
    );
    const dumped = await dumpOf(server, { url: server.url('few', 'reader', 'r') });
    assert.ok(dumped.every(({ failed }) => failed === undefined));
    const { failures } = await restoreTo(server, dumped, { url: server.url('copy', 'writer', 'w') });
    assert.deepEqual(failures, []);
    assert.equal(await server.sql('select id from copy.t'), '1');
  });

  test('with caching_sha2_password, over TLS and without', async () => {
    const there = { host: '127.0.0.1', port: server.port, user: server.user, password: server.password };
    assert.match(await cipher({ ...there, sslMode: 'verify-ca', sslCa: server.certificate }), /TLS|AES/);
    await server.sql('flush privileges'); // the server forgets whom it knows
    assert.equal(await cipher({ ...there, sslMode: 'disabled' }), '');
    await assert.rejects(open({ ...there, password: 'wrong' }), denied);
  });
});
