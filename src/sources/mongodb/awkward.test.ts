import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BSON } from 'mongodb';
import { skipWithoutDocumentdb } from '../../../test/servers/documentdb/engine.ts';
import { type StandIn, startStandIn } from '../../../test/servers/mongodb.ts';
import { contentAt } from '../testing.ts';
import { dumpOf, openMongodb, restoreTo } from './testing.ts';
import { insertRaw } from './testing-database.ts';

const skip = skipWithoutDocumentdb() ?? false;
let server: StandIn;
before(async () => {
  if (!skip) server = await startStandIn({ replicaSet: true });
});
after(async () => await server?.[Symbol.asyncDispose]());

test('a server without databases is a backup of none, and nothing is wrong with it', { skip }, async () => {
  const dumped = await dumpOf(server, { databases: 'all' });
  assert.deepEqual(
    dumped.map(({ path }) => path),
    ['00-server.json', 'prelude.json'],
  );
  await using source = await openMongodb(server);
  assert.deepEqual(await source.check(), []);
  const report = await restoreTo(server, dumped);
  assert.deepEqual(report.failures, []);
  assert.deepEqual(report.warnings, ['the server had no database: there was nothing to restore']);
});

test('the largest document that there may be, and text that is no UTF-8, come back byte for byte', {
  skip,
}, async () => {
  const room = 16 * 1024 * 1024 - BSON.calculateObjectSize({ _id: 'large', text: '' });
  const large = Buffer.from(BSON.serialize({ _id: 'large', text: 'x'.repeat(room) }));
  assert.equal(large.length, 16 * 1024 * 1024);
  large.write('\xff\xfe\xc3\x28', 100, 'latin1');
  const small = Buffer.from(BSON.serialize({ _id: 'small' }));
  await insertRaw(server, 'large', 'a', [large]);
  await insertRaw(server, 'large', 'a', [small]);
  const config = { url: server.url('large') };
  const dumped = await dumpOf(server, config);
  assert.ok(contentAt(dumped, 'large/a.bson').equals(Buffer.concat([large, small])));
  await restoreTo(server, dumped, { url: server.url('large_again') });
  const again = await dumpOf(server, { url: server.url('large_again') });
  assert.ok(contentAt(again, 'large_again/a.bson').equals(Buffer.concat([large, small])));
});
