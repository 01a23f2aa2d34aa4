// The moment in which nothing is committed: waited for in attempts, and done without where it does not come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '#lib/clock.ts';
import { startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { settingsOf } from './config.ts';
import { connect } from './connect.ts';
import { mysql } from './mysql.ts';
import { inStillness, type Stillness } from './stillness.ts';

const servers = {
  MariaDB: {
    start: startMariadb,
    skip: skipWithout('mariadb'),
    hold: 'backup stage start',
    way: 'backup stage',
  },
  MySQL: { start: startMysql, skip: skipWithoutMysql(), hold: 'lock tables shop.t write', way: 'read lock' },
};

for (const [name, { start, skip, hold, way }] of Object.entries(servers))
  test(`of ${name}, others who hold a lock are waited for, and not for ever`, {
    skip: skip ?? false,
  }, async () => {
    await using server = await start();
    await server.sql('create database shop; create table shop.t (a int)');
    const { signal } = new AbortController();
    const open = () => connect(settingsOf(mysql.config.parse({ url: server.url() })), signal);
    await using connection = await open();
    const holder = await open();
    await holder.run(hold);
    const found = (timeoutSeconds: number, clock: Clock): Promise<Stillness> =>
      inStillness(connection, { clock, signal, timeoutSeconds }, async (how) => how);
    assert.equal(await found(1, systemClock), 'none');
    const sleep = async (): Promise<void> => await holder[Symbol.asyncDispose]();
    assert.equal(await found(30, { ...systemClock, sleep }), way);
    await server.sql('insert into shop.t values (1)');
  });
