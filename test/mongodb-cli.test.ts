// A MongoDB server through the command line: backed up by URL and by job, read, searched, verified, and brought back.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { BSON } from 'mongodb';
import { commandLine } from '../src/cli/testing.ts';
import { seenBy } from '../src/sources/mongodb/testing.ts';
import { fillShop } from '../src/sources/mongodb/testing-database.ts';
import { type MongoServer, skipWithoutMongodb, startMongodb } from './servers/mongodb.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('MongoDB on the command line', { skip: skipWithoutMongodb() ?? false }, () => {
  const folder = temporaryFolder('cli-mongodb');
  const at = (...parts: string[]): string => join(folder, ...parts);
  const databases = ['shop', 'shop_copy', 'parts', 'wiki', 'received', 'other'];
  let server: MongoServer;

  before(async () => {
    server = await startMongodb();
    for (const name of databases) await server.client.db(name).dropDatabase();
    await fillShop(server, 'shop');
    await server.client
      .db('wiki')
      .collection<{ _id: string }>('pages')
      .insertOne({ _id: 'Kelp', text: 'brown' } as never);
    writeFileSync(at('password'), 'secret');
    writeFileSync(
      at('holdfast.yaml'),
      `
repositories:
  here: { store: ${at('backups')}, password: { file: ${at('password')} } }
sources:
  mongo: { kind: mongodb, url: "${server.url()}", databases: [shop, wiki] }
  copy: { kind: mongodb, url: "${server.url('received')}" }
  other: { kind: mongodb, url: "${server.url('other')}" }
jobs:
  nightly: { backup: [mongo], to: [here] }
  follow: { receive: [{ source: shop, into: copy }], from: here }
  several: { receive: [{ source: mongo, into: other }], from: here }
catalog: ${at('catalog.db')}
`,
    );
    for (const name of ['password', 'holdfast.yaml']) chmodSync(at(name), 0o600);
    await makeRepository(at('backups'));
    await done('backup nightly');
    await done('backup', server.url('shop'), '--name', 'shop');
  });
  after(async () => {
    for (const name of databases) await server?.client.db(name).dropDatabase();
    await server?.[Symbol.asyncDispose]();
  });

  const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
  const { run, done } = commandLine(env);
  const seen = (name: string): Promise<Record<string, unknown>> => seenBy(server.client.db(name));

  test('verify counts every document, and ls and dump show them', async () => {
    assert.match(
      await done('verify'),
      /mongo: snapshot \w{8} is what was captured \(.*, 16 tables, 1,5\d\d rows\)/,
    );
    assert.match(await done('ls latest:mongo wiki'), /\/mongo\/wiki\/pages\.bson/);
    const { stdout } = await run('dump latest:mongo wiki/pages.metadata.json');
    assert.match(stdout, /^\{"indexes":\[.*"collectionName":"pages","type":"collection"\}$/);
    assert.match(await done('find pages.bson'), /pages\.bson/);
  });

  test('a database comes back under another name, and one that is not empty is refused', async () => {
    await done('restore latest:shop --to', server.url('shop_copy'));
    assert.deepEqual(await seen('shop_copy'), await seen('shop'));
    const { status, stderr } = await run('restore latest:shop --to', server.url('shop_copy'));
    assert.equal(status, 15);
    assert.match(stderr, /hint: /);
  });

  test('one collection, the documents of a query, and one document come back by themselves', async () => {
    await done('restore latest:shop --table orders --as orders_then --to', server.url('parts'));
    const query = '{"customer": {"$lt": 5}}';
    await done('restore latest:shop --table orders --as few --to', server.url('parts'), '--query', query);
    await done('restore latest:mongo --document Kelp --to', server.url('parts'));
    const parts = server.client.db('parts');
    const expected = await server.client
      .db('shop')
      .collection('orders')
      .countDocuments({ customer: { $lt: 5 } });
    assert.ok(expected > 0);
    assert.equal(await parts.collection('orders_then').countDocuments(), 1500);
    assert.equal(await parts.collection('few').countDocuments(), expected);
    assert.deepEqual(await parts.collection('pages').find().toArray(), [{ _id: 'Kelp', text: 'brown' }]);
    const again = await run('restore latest:mongo --document Kelp --to', server.url('parts'));
    assert.equal(again.status, 15);
    assert.match(again.stderr, /--force to put the documents among those that are there/);
    await done('restore latest:mongo --document Kelp --force --to', server.url('parts'));
    assert.deepEqual(
      (await parts.collection('few').indexes()).length,
      (await server.client.db('shop').collection('orders').indexes()).length,
    );
  });

  test('another database receives it, but not the snapshot of several databases', async () => {
    const { status, stdout } = await run('run follow');
    assert.match(stdout, /copy: snapshot [0-9a-f]{8} loaded; .* behind/);
    assert.equal(status, 0);
    const { holdfast_received: mark, ...received } = await seen('received');
    assert.ok(mark);
    assert.deepEqual(received, await seen('shop'));
    assert.match(await done('run follow'), /copy: nothing new; /);
    assert.match((await run('status')).stdout, /copy +shop +\d+ s behind/);
    const several = await run('run several');
    assert.equal(several.status, 1);
    assert.match(several.stderr, /the snapshot holds 2 databases/);
    await server.client.db('other').collection('mine').insertOne({});
    const taken = await run('run several');
    assert.equal(taken.status, 15);
    assert.match(taken.stderr, /database other holds something that was not received/);
  });

  test('doctor looks whether the database that receives answers', async () => {
    const { stdout } = await run('doctor follow');
    assert.match(stdout, /source copy .*MongoDB \d/);
  });

  test('a document is found by its _id, and dumped as the bytes it is', async () => {
    assert.match(await done('find --document Kelp'), /wiki\/pages\.bson/);
    const { stdout } = await run('dump latest:mongo --document Kelp');
    assert.equal(stdout, Buffer.from(BSON.serialize({ _id: 'Kelp', text: 'brown' })).toString());
  });

  test('a query is refused where it could not be honoured', async () => {
    mkdirSync(at('media'));
    writeFileSync(at('media', 'menu.txt'), 'soup');
    await done(`backup ${at('media')}`);
    const { status } = await run(`restore latest:media --to ${at('elsewhere')}`, '--query', '{}');
    assert.equal(status, 2);
    assert.ok(!existsSync(at('elsewhere')));
  });

  test('a wrong password is status 13, and is printed nowhere', async () => {
    const url = server.url('shop').replace('://', '://nobody:hidden-word@');
    const { status, stdout, stderr } = await run('backup', `${url}?authSource=admin`, '--json');
    assert.equal(status, 13);
    assert.deepEqual(
      jsonLines(stdout)
        .filter(({ message_type }) => message_type === 'source_failed')
        .map(({ error }) => error),
      ['SOURCE_DENIED'],
    );
    assert.ok(!`${stdout}${stderr}`.includes('hidden-word'));
  });
});
