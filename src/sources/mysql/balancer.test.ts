import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { startBalancer } from '../../../test/servers/balancer.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { configFromUrl, settingsOf } from './config.ts';
import { connect } from './connect.ts';
import { dumpOf } from './testing.ts';

const skip = skipWithout('mariadb') ?? false;
let one: MysqlServer;
let other: MysqlServer;
before(async () => {
  if (skip) return;
  one = await startMariadb();
  other = await startMariadb();
  for (const server of [one, other]) await server.sql('create database shop; create table shop.t (id int)');
});
after(async () => {
  await one?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});

/** Through a balancer. */
const urlAt = (port: number): string => one.url('shop').replace(`:${one.port}/`, `:${port}/`);

test('a balancer that leads to several servers is refused, since they are in different states', {
  skip,
}, async () => {
  await using balancer = await startBalancer([one.port, other.port]);
  await assert.rejects(
    dumpOf(one, { url: urlAt(balancer.port) }),
    (error) => hasCode(error, 'UNSUPPORTED') && /several servers/.test(error.message),
  );
  await using single = await startBalancer([one.port]);
  await dumpOf(one, { url: urlAt(single.port) });
});

test('a connection that is not used for long is not silent', { skip }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  await using balancer = await startBalancer([one.port]);
  const settings = settingsOf(configFromUrl(urlAt(balancer.port)));
  await using connection = await connect(settings, new AbortController().signal);
  const asked = async (): Promise<string> => await one.sql(`show global status like 'Com_do'`);
  const before = await asked();
  t.mock.timers.tick(15_000);
  t.mock.timers.tick(15_000);
  await connection.query('select 1'); // comes after it
  assert.notEqual(await asked(), before);
});
