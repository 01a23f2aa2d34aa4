import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { edited } from '../testing.ts';
import { dumpOf, restoreTo } from './testing.ts';

const skip = skipWithoutMysql() ?? false;

test('a user of MySQL whose default role is named after him comes back with it', { skip }, async () => {
  await using server = await startMysql();
  await server.sql(`create database shop; create role clerk; grant select on shop.* to clerk;
    create user app@localhost identified by 'x'; grant clerk to app@localhost; set default role clerk to app@localhost;
    create user awkward@localhost identified by 'y' default role app@localhost`);
  const accounts = (): Promise<string> =>
    server.sql(
      'show create user app@localhost; show create user awkward@localhost; show grants for app@localhost',
    );
  const before = await accounts();
  const dumped = await dumpOf(server, { databases: ['shop'], users: true });
  await server.sql('drop user awkward@localhost, app@localhost, clerk; drop database shop');
  const report = await restoreTo(server, dumped);
  assert.deepEqual(report.failures, []);
  assert.equal(await accounts(), before);
});

test('no part of a password is in what is said of a user who cannot be restored', { skip }, async () => {
  await using server = await startMysql();
  await server.sql(`create database shop; create user app@localhost identified by 'x'`);
  const dumped = await dumpOf(server, { databases: ['shop'], users: true });
  await server.sql('drop user app@localhost; drop database shop');
  const unknown = edited(dumped, '01-users.sql', (sql) => sql.replaceAll(' AS 0x', ' OF 0x'));
  const { failures } = await restoreTo(server, unknown);
  assert.match(`${failures[0]?.error.message}`, /error in your SQL syntax/);
  assert.doesNotMatch(inspect(failures, { depth: 9 }), /0x24/);
});
