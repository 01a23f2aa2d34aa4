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

test('timestamps of zero stay zero, on servers that can be told so and on those that cannot', {
  skip,
}, async () => {
  const zero = BSON.Timestamp.fromBits(0, 0);
  const set = BSON.Timestamp.fromBits(7, 7);
  for (const version of ['7.0.12', '7.0.13']) {
    await using own = await startStandIn({ replicaSet: true, version });
    await own.client
      .db('zero')
      .collection<{ _id: number; [field: string]: unknown }>('t')
      .insertMany([
        { _id: 1, 'at once': zero, nested: { at: zero } },
        { _id: 2, at: zero },
      ]);
    const dumped = await dumpOf(own, { url: own.url('zero') });
    own.front.intercept = async ({ name, database, fields }, pass) => {
      if (name !== 'insert' || fields.bypassEmptyTsReplacement) return undefined;
      const reply = await pass();
      for (const field of ['at', 'at once']) // as a mongod does
        await own.client
          .db(database)
          .collection(fields.insert)
          .updateMany({ [field]: zero }, { $set: { [field]: set } });
      return reply;
    };
    const url = own.url('again');
    await restoreTo(own, dumped, { url }, { selection: ['zero/t.bson'] });
    const query = '{"_id": {"$gte": 1}}';
    await restoreTo(own, dumped, { url }, { selection: ['zero/t.bson'], query, rename: [['t', 'found']] });
    const again = await dumpOf(own, { url });
    for (const name of ['t', 'found'])
      assert.ok(contentAt(again, `again/${name}.bson`).equals(contentAt(dumped, 'zero/t.bson')), name);
  }
});

test('documents that an index lets the server remove are told', { skip }, async () => {
  const sessions = server.client.db('ttl').collection<{ _id: string; at: Date }>('sessions');
  await sessions.insertOne({ _id: 'new', at: new Date() });
  await sessions.createIndex({ at: 1 }, { name: 'gone', expireAfterSeconds: 3600 });
  const fresh = await dumpOf(server, { url: server.url('ttl') });
  assert.deepEqual((await restoreTo(server, fresh, { url: server.url('ttl_new') })).warnings, []);
  await sessions.insertOne({ _id: 'old', at: new Date(0) });
  const stale = await dumpOf(server, { url: server.url('ttl') });
  const { warnings } = await restoreTo(server, stale, { url: server.url('ttl_old') });
  assert.match(
    warnings.join(),
    /removes the documents of ttl\.sessions that are past their time by its index gone/,
  );
});
