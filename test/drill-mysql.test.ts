// Drills of a MariaDB server: every kind of object comes back, what does not is named, and no event comes to life in a copy.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { makeShop } from '../src/sources/mysql/testing.ts';
import { type MysqlServer, startMariadb } from './servers/mariadb.ts';
import { skipWithout } from './servers/programs.ts';
import { type DrillSite, drillSite, drillWith } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('drills of MariaDB', { skip: skipWithout('mariadb') }, () => {
  const folder = temporaryFolder('drill-mysql');
  let server: MysqlServer;
  let site: DrillSite;

  before(async () => {
    server = await startMariadb();
    await makeShop(server, 'mariadb');
    await server.sql('create event wakes on schedule every 1 second do delete from keyless', 'shop');
    mkdirSync(join(folder, 'scratch'));
    site = await drillSite(
      folder,
      `
sources:
  shop: { kind: mysql, url: "${server.url('shop')}" }
jobs:
  nightly: { backup: [shop], to: [here] }
  prove:
    drill: [{ source: shop, queries: [{ query: select count(*) from customers, expect: "> 300" }] }]
    from: here
`,
    );
    const { status, stderr } = await site.run('backup');
    assert.equal(status, 0, stderr);
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const leftovers = (): Promise<string> => server.sql("show databases like 'holdfast%'");

  test('every kind of object comes back, but for events', async () => {
    const { status, stdout, stderr } = await site.run('drill', 'prove');
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /shop: note: event wakes would run by itself and was not restored/);
    assert.equal(await leftovers(), '');
  });

  test('a row, a cell, an index, a view and a trigger that a restore lost are named', async () => {
    const run = await drillWith(site, 'shop', async ({ name }) => {
      await server.sql(
        "set foreign_key_checks = 0; delete from hashed where id = 3; update composite set b = 'z' where a = 2; drop index customer on orders; drop view constant",
        `${name}_1`,
      );
    });
    assert.equal(run.status, 4);
    const [outcome] = run.outcomes;
    assert.ok(outcome && 'report' in outcome);
    const differences = outcome.report.firstDifferences.join('\n');
    assert.match(differences, /table shop.hashed: 2 rows, captured were 3/);
    assert.match(differences, /table shop.composite: its rows are not those captured/);
    assert.match(differences, /table orders is not as it was captured/);
    assert.match(differences, /view constant is missing/);
    assert.equal(await leftovers(), '');
  });
});
