// Drills for which the scratch place has no room, no right or no time: that says nothing of the snapshot, and nobody calls it different.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { type CouchServer, skipWithoutCouch, startCouch } from './servers/couchdb.ts';
import { startCouchProxy } from './servers/couchdb-proxy.ts';
import { skipWithoutDocumentdb } from './servers/documentdb/engine.ts';
import type { Intercept } from './servers/documentdb/front.ts';
import { startStandIn } from './servers/mongodb.ts';
import { type DrillSite, drillSite } from './tools/drill.ts';
import { skipWithoutSmallDisk, smallDisk } from './tools/small-disk.ts';
import { temporaryFolder } from './tools/temp.ts';

const couldNot = async (site: DrillSite, words: readonly string[], message: RegExp): Promise<void> => {
  const { status, stdout, stderr } = await site.run('drill', ...words);
  assert.equal(status, 1, stdout + stderr);
  assert.match(stderr, message);
  assert.doesNotMatch(stdout + stderr, /DIFFERS|rely/);
};

const backedUp = async (
  name: string,
  source: object,
  jobs: Record<string, object> = {},
): Promise<DrillSite> => {
  const nightly = { backup: ['data'], to: ['here'] };
  const site = await drillSite(
    temporaryFolder(`drill-cannot-${name}`),
    `sources: ${JSON.stringify({ data: source })}\njobs: ${JSON.stringify({ nightly, ...jobs })}\n`,
  );
  assert.equal((await site.run('backup')).status, 0);
  return site;
};

test('a folder without room for a database of SQLite says nothing against the snapshot', {
  skip: skipWithoutSmallDisk(),
}, async () => {
  const path = `${temporaryFolder('drill-cannot-source')}/shop.db`;
  {
    using database = new DatabaseSync(path);
    database.exec(`CREATE TABLE t (n INTEGER PRIMARY KEY, b); WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 3000)
      INSERT INTO t SELECT n, hex(randomblob(100)) FROM r; CREATE INDEX i ON t (b)`);
  }
  const site = await backedUp('sqlite', { kind: 'sqlite', path });
  for (const size of ['300k', '900k', '1100k']) {
    using disk = smallDisk(site.at(`disk-${size}`), `size=${size}`);
    await couldNot(site, ['latest:data', '--scratch', disk.path], /could not be drilled: .*full/);
  }
});

test('a MongoDB without room for an index, or time for a query or for reading back, says nothing against the snapshot', {
  skip: skipWithoutDocumentdb() ?? false,
}, async () => {
  await using server = await startStandIn({ replicaSet: true });
  const things = server.client.db('shop').collection('things');
  await things.insertMany([{ n: 1 }, { n: 2 }]);
  await things.createIndex({ n: 1 });
  const queries = [{ query: '{"count": "things"}' }];
  const asks = { drill: [{ source: 'data', queries }], from: 'here' };
  const site = await backedUp('mongodb', { kind: 'mongodb', url: server.url('shop') }, { asks });
  const refusing = async (command: string, code: number, errmsg: string): Promise<void> => {
    const intercept: Intercept = ({ name, database }) =>
      name === command && database.startsWith('holdfast_drill')
        ? { ok: 0, code, codeName: 'x', errmsg }
        : undefined;
    server.front.intercept = intercept;
    await couldNot(site, ['asks'], new RegExp(`could not be drilled: .*${errmsg}`));
    server.front.intercept = undefined;
  };
  await refusing('createIndexes', 14_031, 'available disk space of 0 bytes is less than required');
  await refusing('find', 50, 'operation exceeded time limit');
  await refusing('insert', 14_031, 'no room');
  await refusing('count', 11_601, 'operation was interrupted');
});

test('a CouchDB that takes no document as large says nothing against the snapshot', {
  skip: (await skipWithoutCouch()) ?? false,
}, async () => {
  await using server: CouchServer = await startCouch();
  await server.ask('PUT', '/shop');
  await server.ask('PUT', '/shop/large', { text: 'x'.repeat(5000) });
  await using proxy = await startCouchProxy(server);
  proxy.rule = ({ method, path }) =>
    method === 'POST' && path.endsWith('/_bulk_docs')
      ? { status: 413, body: '{"error":"document_too_large","reason":"large"}' }
      : undefined;
  const site = await backedUp('couchdb', { kind: 'couchdb', url: server.url('shop') });
  await couldNot(site, ['latest:data', '--into', proxy.url()], /could not be drilled: .*document_too_large/);
});
