import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { sourceContract } from '../contract.ts';
import { makeMariadb, openMysql } from './testing.ts';

suite('a MariaDB database', { skip: skipWithout('mariadb') ?? false }, () => {
  sourceContract('mysql', async () => {
    const [original, copy] = await Promise.all([startMariadb(), startMariadb()]);
    await makeMariadb(original);
    const sessions = async (): Promise<number> => {
      const count = async () =>
        Number(
          await original.sql(
            `select count(*) from information_schema.processlist where user = 'admin' and id <> connection_id()`,
          ),
        );
      // A session ends a little after its connection.
      for (let attempt = 0; attempt < 100; attempt += 1) if ((await count()) === 0) return 0;
      return await count();
    };
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
      openThings: sessions,
      async [Symbol.asyncDispose]() {
        await original[Symbol.asyncDispose]();
        await copy[Symbol.asyncDispose]();
      },
    };
  });
});
