// What others do on a server while a backup of it begins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { dumpOf } from './testing.ts';

const servers = {
  MariaDB: { start: startMariadb, skip: skipWithout('mariadb') },
  MySQL: { start: startMysql, skip: skipWithoutMysql() },
};

for (const [name, { start, skip }] of Object.entries(servers))
  test(`whoever makes and drops tables of ${name} meanwhile is not refused`, {
    skip: skip ?? false,
  }, async () => {
    await using server = await start();
    await server.sql('create database shop; create table shop.t (a int)');
    let isOver = false;
    const making = [1, 2, 3].map(async (number) => {
      await server.sql(`create database other_${number}`);
      const once = `create table other_${number}.t (a int); drop table other_${number}.t;`;
      while (!isOver) await server.sql(once.repeat(20));
    });
    const dumping = async (): Promise<void> => {
      for (let count = 0; count < 8; count += 1) await dumpOf(server, { url: server.url('shop') });
    };
    const outcomes = await Promise.allSettled([
      ...making,
      dumping().finally(() => {
        isOver = true;
      }),
    ]);
    assert.deepEqual(
      outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [`${outcome.reason}`] : [])),
      [],
    );
  });
