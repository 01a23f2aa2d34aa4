import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BSON } from 'mongodb';
import { hasCode } from '#lib/errors.ts';
import { skipWithoutDocumentdb } from '../../../test/servers/documentdb/engine.ts';
import type { Intercept } from '../../../test/servers/documentdb/front.ts';
import { type StandIn, startStandIn } from '../../../test/servers/mongodb.ts';
import type { CapturedEntry } from '../testing.ts';
import { dumpOf, restoreTo, seenBy } from './testing.ts';

const skip = skipWithoutDocumentdb() ?? false;
let server: StandIn;
let shop: readonly CapturedEntry[];
before(async () => {
  if (skip) return;
  server = await startStandIn({ replicaSet: true });
  const db = server.client.db('shop');
  await db
    .collection<{ _id: number }>('orders')
    .insertMany(Array.from({ length: 40 }, (_, _id) => ({ _id, open: _id % 4 === 0 })));
  await db.collection('orders').createIndex({ open: 1 }, { name: 'open' });
  await db.collection('customers').insertOne({ name: 'x' });
  await db.createCollection('open orders', { viewOn: 'orders', pipeline: [{ $match: { open: true } }] });
  shop = await dumpOf(server, { url: server.url('shop') });
});
after(async () => await server?.[Symbol.asyncDispose]());

const names = async (database: string): Promise<string[]> =>
  (await server.client.db(database).listCollections().toArray()).map(({ name }) => name).toSorted();
const everything = async (database: string): Promise<unknown> => await seenBy(server.client.db(database));
/** Runs with commands answered by the test; answers to each are remembered. */
const intercepting = async <Result>(intercept: Intercept, work: () => Promise<Result>): Promise<Result> => {
  server.front.intercept = intercept;
  try {
    return await work();
  } finally {
    server.front.intercept = undefined;
  }
};

test('a database goes where the URL says, or where it is renamed to', { skip }, async () => {
  await restoreTo(server, shop, { url: server.url('by_url') });
  assert.deepEqual(await everything('by_url'), await everything('shop'));
  await restoreTo(server, shop, {}, { rename: [['shop', 'renamed']] });
  assert.deepEqual(await everything('renamed'), await everything('shop'));
});

test('a backup of a server without a database is restored with a warning', { skip }, async () => {
  const [contents] = shop.filter(({ type }) => type === 'file');
  const empty = { ...JSON.parse(String(contents?.content)), databases: [] };
  const report = await restoreTo(server, [{ ...contents!, content: Buffer.from(JSON.stringify(empty)) }]);
  assert.deepEqual(report.warnings, ['the server had no database: there was nothing to restore']);
});

test('a collection that could not be captured is told, and is there with its indexes', { skip }, async () => {
  const partial = shop
    .filter(({ path }) => path !== 'shop/orders.bson')
    .map((entry) => {
      if (entry.path !== 'shop/manifest.json') return entry;
      const manifest = JSON.parse(String(entry.content));
      const tables = manifest.tables.filter(({ name }: { name: string }) => name !== 'orders');
      const missing = [{ name: 'orders', reason: 'not authorized' }];
      return { ...entry, content: Buffer.from(JSON.stringify({ ...manifest, tables, missing })) };
    });
  const { warnings } = await restoreTo(server, partial, { url: server.url('partly') });
  assert.ok(
    warnings.some((text) => /^shop\.orders is not whole in the snapshot: /.test(text)),
    warnings.join(),
  );
  const partly = server.client.db('partly');
  assert.deepEqual(await names('partly'), await names('shop'));
  assert.deepEqual(
    (await partly.collection('orders').indexes()).map(({ name }) => name),
    ['_id_', 'open'],
  );
  await restoreTo(server, shop, { url: server.url('partly') }, { force: true });
  await restoreTo(server, partial, { url: server.url('partly') }, { force: true });
  assert.equal(
    await partly.collection('orders').countDocuments(),
    40,
    'nothing takes the place of what is there',
  );
});

test('one collection comes back beside the others, under another name, with its indexes', {
  skip,
}, async () => {
  const selection = ['shop/orders.bson'];
  const report = await restoreTo(server, shop, {}, { selection, rename: [['orders', 'orders_old']] });
  assert.deepEqual([report.failures, report.warnings], [[], []]);
  assert.deepEqual(await names('shop'), ['customers', 'open orders', 'orders', 'orders_old']);
  const { orders, orders_old } = await seenBy(server.client.db('shop'));
  assert.deepEqual(orders_old, orders);
  await server.client.db('shop').dropCollection('orders_old');
});

test('a collection that is there is refused by its name, and replaced when that is wanted', {
  skip,
}, async () => {
  await restoreTo(server, shop, { url: server.url('forced') });
  const forced = server.client.db('forced');
  await forced.collection<{ _id: number }>('orders').deleteOne({ _id: 1 });
  await forced.collection('new').insertOne({});
  const selection = ['shop/orders.bson'];
  await assert.rejects(
    restoreTo(server, shop, { url: server.url('forced') }, { selection }),
    (error) => hasCode(error, 'TARGET_NOT_EMPTY') && /forced\.orders/.test(error.message),
  );
  await assert.rejects(restoreTo(server, shop, { url: server.url('forced') }), (error) =>
    hasCode(error, 'TARGET_NOT_EMPTY'),
  );
  await restoreTo(server, shop, { url: server.url('forced') }, { force: true });
  assert.deepEqual(await names('forced'), ['customers', 'new', 'open orders', 'orders']);
  assert.equal(await forced.collection('orders').countDocuments(), 40);
});

test('a query brings back what it finds, judged by the server', { skip }, async () => {
  const selection = ['shop/orders.bson'];
  const query = '{"open": true, "_id": {"$mod": [8, 0], "$gte": {"$numberInt": "8"}}}';
  await restoreTo(server, shop, { url: server.url('queried') }, { selection, query });
  const found = await server.client.db('queried').collection('orders').find().sort({ _id: 1 }).toArray();
  assert.deepEqual(
    found.map(({ _id }) => Number(_id)),
    [8, 16, 24, 32],
  );
  assert.deepEqual(await names('queried'), ['orders']);
  for (const wrong of ['{"open": {"$nonsense": 1}}', '[1]', '{open'])
    await assert.rejects(
      restoreTo(server, shop, { url: server.url('wrong') }, { selection, query: wrong }),
      (error) => hasCode(error, 'USAGE'),
    );
  assert.deepEqual(await names('wrong'), []);
});

test('documents are brought back by their _id, into a collection that is there in the place of theirs', {
  skip,
}, async () => {
  const selection = ['shop/orders.bson'];
  const records = ['4', '7'];
  await restoreTo(server, shop, { url: server.url('single') }, { selection, records });
  const orders = server.client.db('single').collection<{ _id: number; open: boolean }>('orders');
  assert.deepEqual(
    (await orders.find().sort({ _id: 1 }).toArray()).map(({ _id }) => Number(_id)),
    [4, 7],
  );
  await orders.insertOne({ _id: 100, open: true });
  await orders.updateOne({ _id: 7 }, { $set: { open: true } });
  await assert.rejects(
    restoreTo(server, shop, { url: server.url('single') }, { selection, records }),
    (error) => hasCode(error, 'TARGET_NOT_EMPTY'),
  );
  await restoreTo(server, shop, { url: server.url('single') }, { selection, records: ['7'], force: true });
  const after = await orders.find().sort({ _id: 1 }).toArray();
  assert.deepEqual(
    after.map(({ _id, open }) => [Number(_id), open]),
    [
      [4, true],
      [7, false],
      [100, true],
    ],
  );
  assert.deepEqual(await names('single'), ['orders']);
});

test('what breaks off leaves a target as it was', { skip }, async () => {
  await restoreTo(server, shop, { url: server.url('kept') });
  const before = await everything('kept');
  const broken = shop.map((entry) =>
    entry.path === 'shop/orders.bson' && entry.content
      ? { ...entry, content: entry.content.subarray(0, -7) }
      : entry,
  );
  await assert.rejects(restoreTo(server, broken, { url: server.url('kept') }, { force: true }));
  assert.deepEqual(await everything('kept'), before);
  const fewer = shop.filter(({ path }) => path !== 'shop/orders.bson');
  await assert.rejects(
    restoreTo(server, fewer, { url: server.url('kept') }, { force: true }),
    (error) => hasCode(error, 'TARGET_FAILED') && /lacks shop\/orders\.bson/.test(error.message),
  );
  assert.deepEqual(await everything('kept'), before);
});

test('a connection that is lost while collections get their names leaves none of them, where none was there', {
  skip,
}, async () => {
  let renames = 0;
  const breaking: Intercept = async ({ name }, pass) => {
    if (name === 'renameCollection') renames += 1;
    if (name !== 'renameCollection' || renames < 2) return undefined;
    await pass(); // only the answer is lost
    return 'close';
  };
  const into = { url: server.url('half') };
  await assert.rejects(
    intercepting(breaking, () => restoreTo(server, shop, into)),
    (error) => hasCode(error, 'SOURCE_UNREACHABLE'),
  );
  assert.ok(renames >= 2);
  assert.deepEqual(await names('half'), []);
  await restoreTo(server, shop, into);
  assert.deepEqual(await everything('half'), await everything('shop'));
});

test('an index that cannot be built is named, and its documents are there', { skip }, async () => {
  const refusing: Intercept = ({ name, fields }) =>
    name === 'createIndexes' && fields.indexes.some((index: BSON.Document) => index.name === 'open')
      ? { ok: 0, code: 67, codeName: 'CannotCreateIndex', errmsg: 'unknown index type' }
      : undefined;
  const { failures } = await intercepting(refusing, () =>
    restoreTo(server, shop, { url: server.url('no_index') }),
  );
  assert.deepEqual(
    failures.map(({ path }) => path),
    ['shop/orders.metadata.json'],
  );
  assert.match(
    `${failures[0]?.error.message}`,
    /index open of shop\.orders could not be built: unknown index type/,
  );
  assert.equal(await server.client.db('no_index').collection('orders').countDocuments(), 40);
});

test('an index with an option that servers of today refuse is built without it, which is told', {
  skip,
}, async () => {
  const [contents, ...others] = shop.filter(({ type }) => type === 'file');
  const server00 = JSON.parse(String(contents?.content));
  const orders = server00.databases[0].collections.find((each: { name: string }) => each.name === 'orders');
  orders.indexes = orders.indexes.map((index: string) => {
    const known = BSON.deserialize(Buffer.from(index, 'base64'));
    const old = known.name === 'open' ? { ...known, safe: true } : known; // as MongoDB 2.x took it
    return Buffer.from(BSON.serialize(old)).toString('base64');
  });
  const entries = [{ ...contents!, content: Buffer.from(JSON.stringify(server00)) }, ...others];
  const { failures, warnings } = await restoreTo(server, entries, { url: server.url('old_index') });
  assert.deepEqual(failures, []);
  assert.match(
    warnings.join(),
    /^index open of shop\.orders was built without an option unknown to the server: .*'safe'/,
  );
  assert.deepEqual(
    (await seenBy(server.client.db('old_index'))).orders,
    (await seenBy(server.client.db('shop'))).orders,
  );
});

test('a rename of something that is not there, and two that would meet, are refused', { skip }, async () => {
  await assert.rejects(restoreTo(server, shop, {}, { rename: [['shpo', 'x']] }), (error) =>
    hasCode(error, 'USAGE'),
  );
  const both = ['shop/orders.bson', 'shop/customers.bson'];
  await assert.rejects(
    restoreTo(server, shop, {}, { selection: both, rename: [['orders', 'customers']] }),
    (error) => hasCode(error, 'USAGE'),
  );
});

const firstBatch = (ns: string, documents: readonly BSON.Document[]): BSON.Document => ({
  cursor: { id: BSON.Long.ZERO, ns, firstBatch: documents },
  ok: 1,
});

test('capped collections and time series are made as they were, and filled in order', { skip }, async () => {
  const collection = (name: string, type: string, options: BSON.Document, documents?: string) => ({
    name,
    type,
    metadata: `${name}.metadata.json`,
    documents: documents ?? `${name}.bson`,
    options: Buffer.from(BSON.serialize(options)).toString('base64'),
    indexes: [],
  });
  const capped = { capped: true, size: 4096, max: 100 };
  const timeseries = { timeField: 't', bucketMaxSpanSeconds: 3600 };
  const template = shop.find(({ path }) => path === '00-server.json')?.content ?? [];
  const contents = JSON.parse(Buffer.from(template).toString());
  contents.databases[0].collections = [
    collection('log', 'collection', capped),
    collection('weather', 'timeseries', { timeseries }, 'system.buckets.weather.bson'),
  ];
  const documents = Buffer.concat([3, 1, 2].map((_id) => Buffer.from(BSON.serialize({ _id }))));
  const manifest = await manifestFor({ 'log.bson': documents, 'system.buckets.weather.bson': documents });
  const file = (path: string, content: Uint8Array): CapturedEntry => ({
    path,
    type: 'file',
    meta: {},
    content,
  });
  const entries = [
    file('00-server.json', Buffer.from(JSON.stringify(contents))),
    file('shop/log.bson', documents),
    file('shop/manifest.json', Buffer.from(JSON.stringify(manifest))),
    file('shop/system.buckets.weather.bson', documents),
  ];
  const made: BSON.Document[] = [];
  const filled: [string, unknown[]][] = [];
  const pretending: Intercept = ({ name, fields, sequence }) => {
    if (name === 'create') made.push(fields);
    if (name === 'renameCollection') filled.push([fields.to, []]);
    if (name === 'insert') filled.push([fields.insert, idsIn(sequence ?? Buffer.alloc(0))]);
    return ['create', 'insert', 'createIndexes', 'renameCollection'].includes(name)
      ? { n: 3, ok: 1 }
      : undefined;
  };
  await intercepting(pretending, () => restoreTo(server, entries, { url: server.url('pretended') }));
  const [log, weather] = made;
  assert.deepEqual({ capped: log?.capped, size: Number(log?.size), max: Number(log?.max) }, capped);
  assert.equal(weather?.create, 'weather');
  assert.equal(weather?.timeseries.bucketMaxSpanSeconds, 3600);
  assert.deepEqual(
    filled.map(([name, ids]) => [name.replace(/holdfast\.\w+/, '…'), ids]),
    [
      ['….0', [3, 1, 2]],
      ['system.buckets.weather', [3, 1, 2]],
      ['pretended.log', []],
    ],
  );
});

const idsIn = (documents: Buffer): number[] => {
  const ids: number[] = [];
  for (let at = 0; at < documents.length; at += documents.readInt32LE(at))
    ids.push(BSON.deserialize(documents.subarray(at, at + documents.readInt32LE(at)))._id);
  return ids;
};

const manifestFor = async (files: Readonly<Record<string, Buffer>>): Promise<unknown> => {
  const { createRowCounter } = await import('#lib/row-checksum.ts');
  const tables = Object.entries(files).map(([file, bytes]) => {
    const counter = createRowCounter('bson');
    counter.update(bytes);
    const name = file.replace(/^system\.buckets\.|\.bson$/g, '');
    return { name, entries: [file], format: 'bson', ...counter.finish() };
  });
  const about = { manifest: 1, engine: 'mongodb', engineVersion: '8.0.0', database: 'shop', position: {} };
  return { ...about, capturedAt: new Date().toISOString(), tables, missing: [] };
};

test('an oplog is recorded from start to end, and replayed under the names of the target', {
  skip,
}, async () => {
  await using old = await startStandIn({ replicaSet: true, version: '4.4.29' });
  await old.client
    .db('shop')
    .collection<{ _id: number }>('orders')
    .insertMany([{ _id: 1 }, { _id: 2 }]);
  const ts = (i: number) => new BSON.Timestamp({ t: 100, i });
  const oplog = [
    { ts: ts(1), op: 'n', ns: '', o: { msg: 'initiating set' } },
    { ts: ts(5), op: 'i', ns: 'shop.orders', ui: new BSON.UUID('0'.repeat(32)), o: { _id: 3 } },
    { ts: ts(6), op: 'c', ns: 'shop.$cmd', o: { createIndexes: 'orders', v: 2, key: { a: 1 }, name: 'a_1' } },
    { ts: ts(7), op: 'i', ns: 'other.orders', o: { _id: 4 } },
  ];
  const applied: BSON.Document[] = [];
  old.front.intercept = ({ name, fields, database }) => {
    if (name === 'find' && database === 'config') return firstBatch('config.transactions', []);
    if (name === 'applyOps') applied.push(...fields.applyOps);
    if (name === 'applyOps') return { ok: 1 };
    if (name !== 'find' || fields.find !== 'oplog.rs') return undefined;
    if (fields.filter) return firstBatch('local.oplog.rs', oplog.slice(1));
    return firstBatch('local.oplog.rs', [(fields.sort.$natural === 1 ? oplog[0] : oplog[1]) ?? {}]);
  };
  const dumped = await dumpOf(old, { url: old.url('shop') });
  const recorded = dumped.find(({ path }) => path === 'oplog.bson')?.content ?? [];
  assert.deepEqual(
    Buffer.from(recorded),
    Buffer.concat(oplog.slice(1).map((entry) => BSON.serialize(entry))),
  );
  const report = await restoreTo(old, dumped, {}, { rename: [['shop', 'copy']] });
  assert.deepEqual(report.failures, []);
  assert.deepEqual(
    applied.map(({ ns, op, o, ui }) => [ns, op, o, ui]),
    [['copy.orders', 'i', { _id: 3 }, undefined]],
  );
  const copy = old.client.db('copy');
  assert.deepEqual(
    (await copy.collection('orders').indexes()).map(({ name }) => name),
    ['_id_', 'a_1'],
  );
  assert.deepEqual(
    (await copy.listCollections().toArray()).map(({ name }) => name),
    ['orders'],
  );
});

test('users and roles are kept when that is wanted, and merged by the server', { skip }, async () => {
  const accounts: Readonly<Record<string, BSON.Document[]>> = {
    'system.roles': [{ _id: 'shop.clerk', role: 'clerk', db: 'shop' }],
    'system.users': [{ _id: 'shop.ann', user: 'ann', db: 'shop', credentials: {} }],
    'system.version': [{ _id: 'authSchema', currentVersion: 5 }],
  };
  const merged: BSON.Document[] = [];
  const withAccounts: Intercept = ({ name, fields, database }) => {
    if (database !== 'admin') return undefined;
    const listed = Object.keys(accounts).map((each) => ({
      name: each,
      type: 'collection',
      options: {},
      info: {},
    }));
    if (name === 'listDatabases') return { databases: [{ name: 'admin' }, { name: 'shop' }], ok: 1 };
    if (name === 'listCollections')
      return firstBatch(
        'admin.$cmd',
        listed.filter((each) => !fields.filter?.name || each.name === fields.filter.name),
      );
    if (name === 'listIndexes') return firstBatch('admin', []);
    if (name === 'find' && accounts[fields.find]) return firstBatch('admin', accounts[fields.find] ?? []);
    if (name !== '_mergeAuthzCollections') return undefined;
    merged.push(fields);
    return { ok: 1 };
  };
  await intercepting(withAccounts, async () => {
    const dumped = await dumpOf(server, { databases: ['shop'], users: true });
    const files = dumped.filter(({ path }) => path.startsWith('admin/system')).map(({ path }) => path);
    assert.ok(files.includes('admin/system.users.bson') && files.includes('admin/system.version.bson'));
    const { failures } = await restoreTo(server, dumped, {}, { rename: [['shop', 'with_users']] });
    assert.deepEqual(failures, []);
  });
  assert.equal(merged.length, 1);
  assert.deepEqual(
    [merged[0]?.tempUsersCollection, merged[0]?.tempRolesCollection, merged[0]?.drop],
    ['admin.tempusers', 'admin.temproles', false],
  );
});

test('what a killed restore left is neither in the way of the next one nor in a backup', {
  skip,
}, async () => {
  const db = server.client.db('after_kill');
  await db.collection('holdfast.0123abcd.0').insertOne({ half: true });
  await restoreTo(server, shop, { url: server.url('after_kill') });
  const dumped = await dumpOf(server, { url: server.url('after_kill') });
  assert.ok(!dumped.some(({ path }) => path.includes('holdfast')));
  assert.ok(dumped.some(({ path }) => path === 'after_kill/orders.bson'));
});
