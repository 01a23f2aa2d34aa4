// Drills of a CouchDB server: every revision and attachment comes back, and what does not is named.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fillWithManyKinds } from '../src/sources/couchdb/testing.ts';
import { type CouchServer, skipWithoutCouch, startCouch } from './servers/couchdb.ts';
import { type DrillSite, drillSite, drillWith } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('drills of CouchDB', { skip: (await skipWithoutCouch()) ?? false }, () => {
  const folder = temporaryFolder('drill-couchdb');
  let server: CouchServer;
  let site: DrillSite;

  before(async () => {
    server = await startCouch();
    await fillWithManyKinds(server);
    mkdirSync(join(folder, 'scratch'));
    site = await drillSite(
      folder,
      `
sources:
  couch: { kind: couchdb, url: "${server.url()}" }
jobs:
  nightly: { backup: [couch], to: [here] }
  prove:
    drill:
      - source: couch
        queries:
          - { query: "_design/app/_view/by?limit=1", database: shop, rows: 1 }
    from: here
  doubt:
    drill: [{ source: couch, queries: [{ query: _design/app/_view/nothing, database: shop }] }]
    from: here
`,
    );
    assert.equal((await site.run('backup')).status, 0);
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const leftovers = async (): Promise<string[]> =>
    ((await server.ask('GET', '/_all_dbs')) as string[]).filter((name) => name.startsWith('holdfast_drill'));

  test('documents with their history, attachments and design documents come back', async () => {
    const { status, stdout, stderr } = await site.run('drill', 'prove');
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /couch: snapshot \w{8} is proven/);
    assert.deepEqual(await leftovers(), []);
  });

  test('a document that a restore lost or changed is named by its database', async () => {
    const run = await drillWith(site, 'couch', async ({ name, databases }) => {
      const copy = `${name}_${databases.indexOf('shop') + 1}`;
      const { _rev } = (await server.ask('GET', `/${copy}/picture`)) as { _rev: string };
      await server.ask('DELETE', `/${copy}/picture?rev=${_rev}`);
      await server.ask('PUT', `/${copy}/_security`, { members: { names: ['mallory'], roles: [] } });
    });
    assert.equal(run.status, 4);
    const [outcome] = run.outcomes;
    assert.ok(outcome && 'report' in outcome);
    assert.match(
      outcome.report.firstDifferences.join('\n'),
      /^shop: table documents: .*\n(.*\n)*shop: the security object is not as it was captured$/,
    );
    assert.deepEqual(await leftovers(), []);
  });

  test('a query that fails is a difference', async () => {
    const { status, stderr } = await site.run('drill', 'doubt');
    assert.equal(status, 4);
    assert.match(stderr, /_view\/nothing: expected was at least one row, found: it failed/);
  });
});
