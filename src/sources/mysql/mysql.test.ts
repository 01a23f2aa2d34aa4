import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { stillOpen } from '../../../test/tools/still-open.ts';
import { type SourceFixture, sourceContract } from '../contract.ts';
import { makeShop, openMysql } from './testing.ts';

suite('a MariaDB database', { skip: skipWithout('mariadb') ?? false }, () => {
  sourceContract('mysql on MariaDB', () => fixture(startMariadb, 'mariadb'));
});

suite('a MySQL database', { skip: skipWithoutMysql() ?? false }, () => {
  sourceContract('mysql on MySQL', () => fixture(startMysql, 'mysql'));
});

const fixture = async (
  start: () => Promise<MysqlServer>,
  engine: 'mariadb' | 'mysql',
): Promise<SourceFixture> => {
  await using servers = new AsyncDisposableStack();
  const original = servers.use(await start());
  const copy = servers.use(await start());
  await makeShop(original, engine);
  const owned = servers.move();
  return {
    open: (signal) => openMysql(original, { url: original.url('shop') }, { signal }),
    async emptyTarget() {
      await copy.sql('drop database if exists shop');
      return await openMysql(copy, { url: copy.url('shop') });
    },
    async same() {
      assert.equal(await copy.dump('shop', '--databases'), await original.dump('shop', '--databases'));
    },
    keeps: ['mode'],
    manifests: ['shop/manifest.json'],
    knowsUnchanged: false,
    openThings: () => stillOpen(() => sessions(original)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

const sessions = async (server: MysqlServer): Promise<number> =>
  Number(
    await server.sql(
      `select count(*) from information_schema.processlist where user = 'admin' and id <> connection_id()`,
    ),
  );
