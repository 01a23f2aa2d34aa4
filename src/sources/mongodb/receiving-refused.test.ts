// What cannot be received, and where nothing can be.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { BSON } from 'mongodb';
import { type ErrorCode, hasCode } from '#lib/errors.ts';
import { skipWithoutDocumentdb } from '../../../test/servers/documentdb/engine.ts';
import { type FrontOptions, type Intercept, startFront } from '../../../test/servers/documentdb/front.ts';
import { type StandIn, startStandIn } from '../../../test/servers/mongodb.ts';
import { type Receiver, receiverOf } from '../receiver.ts';
import { type CapturedEntry, edited, inPathOrder, loadInto, markOf, replay } from '../testing.ts';
import type { ServerContents } from './contents.ts';
import { hurried, openMongodb, receiversOn, seenBy } from './testing.ts';

suite('receiving into MongoDB, refused', { skip: skipWithoutDocumentdb() ?? false }, () => {
  let server: StandIn;
  let dump: CapturedEntry[];
  const { open, receive, seen, shop, assertReceived, intercepting } = receiversOn(() => server);
  before(async () => {
    server = await startStandIn({ replicaSet: true });
    await server.client
      .db('shop')
      .collection('orders')
      .insertMany([{ n: 1 }, { n: 2 }]);
    await server.client.db('shop').createCollection('first', { viewOn: 'orders', pipeline: [{ $limit: 1 }] });
    dump = await shop();
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const refused = async (work: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> =>
    await assert.rejects(work, (error) => hasCode(error, code) && message.test(error.message));
  const namesIn = async (database: string): Promise<string[]> =>
    (await server.client.db(database).listCollections().toArray()).map(({ name }) => name);
  const withContents = (change: (contents: ServerContents) => unknown): CapturedEntry[] =>
    edited(dump, '00-server.json', (text) => JSON.stringify(change(JSON.parse(text))));

  test('a database with something in it that was not received is left as it is', async () => {
    await server.client.db('taken').collection('mine').insertOne({});
    const before = await seenBy(server.client.db('taken'));
    await refused(
      receive('taken', 1, dump),
      'TARGET_NOT_EMPTY',
      /taken holds something that was not received/,
    );
    assert.deepEqual(await seenBy(server.client.db('taken')), before);
  });

  test('where nothing is received, nothing stays', async () => {
    await open('unused', async ({ mark }) => assert.equal(mark, undefined));
    await open('unused', (opened) =>
      refused(loadInto(opened, 1, dump.slice(0, 3)), 'TARGET_FAILED', /lacks/),
    );
    assert.deepEqual(await namesIn('unused'), []);
  });

  test('a snapshot of several databases, and the server’s own databases', async () => {
    const two = { mark: markOf(1), databases: ['shop', 'wiki'], onProgress() {} };
    await open('copy', (opened) =>
      refused(opened.load(replay(inPathOrder(dump)), two), 'UNSUPPORTED', /holds 2 databases/),
    );
    for (const database of ['admin', 'config', 'local'])
      await refused(receive(database, 1, dump), 'CONFIG_INVALID', /which is the server’s own/);
    await using several = await openMongodb(server, { databases: ['a', 'b'] });
    await refused((receiverOf(several) as Receiver).openReceiving(), 'CONFIG_INVALID', /of one database/);
  });

  test('a time series, before anything is written', async () => {
    const series = withContents(({ databases: [first], ...server00 }) => {
      const collections = first?.collections.map((each) => ({ ...each, type: 'timeseries' }));
      return { ...server00, databases: [{ ...first, collections }] };
    });
    const writing: string[] = [];
    const watching: Intercept = ({ name }) => {
      if (['create', 'insert'].includes(name)) writing.push(name);
      return undefined;
    };
    await intercepting(watching, () =>
      refused(receive('copy', 1, series), 'UNSUPPORTED', /the time series first cannot be received/),
    );
    assert.deepEqual(writing, []);
  });

  test('a server that renames nothing', async () => {
    const poor: Intercept = ({ name }) =>
      name === 'renameCollection'
        ? { ok: 0, code: 59, codeName: 'CommandNotFound', errmsg: `no such command: '${name}'` }
        : undefined;
    await intercepting(poor, () =>
      refused(receive('copy', 1, dump), 'UNSUPPORTED', /lacks what receiving needs: .*renameCollection/),
    );
    assert.deepEqual(await namesIn('copy'), []);
  });

  /** The same server, behind another front. */
  const openBehind = async (
    options: FrontOptions,
    config: Readonly<Record<string, string>>,
    code: ErrorCode,
    message: RegExp,
  ): Promise<void> => {
    await using front = await startFront(server.engine, options);
    const url = `mongodb://127.0.0.1:${front.port}/copy`;
    await using source = await openMongodb(server, { url, ...config });
    await refused((receiverOf(source) as Receiver).openReceiving(), code, message);
  };

  test('a sharded cluster, and a user who may not write', async () => {
    await openBehind({ sharded: true }, {}, 'UNSUPPORTED', /into the sharded cluster at 127/);
    const role = '{"role": "readAnyDatabase", "db": "admin"}';
    await server.engine.pool.query(
      `select documentdb_api.create_user('{"createUser": "reader", "pwd": "Right-1234", "roles": [${role}]}')`,
    );
    const reader = { user: 'reader', password: 'Right-1234' };
    await openBehind({ auth: true }, reader, 'SOURCE_DENIED', /reader may not write into database copy/);
    assert.deepEqual(await namesIn('copy'), []);
  });

  test('users of the snapshot are not, and neither is what the sender has received itself', async () => {
    await server.client
      .db('shop')
      .collection('holdfast_received')
      .insertOne({ _id: 'received' as never });
    const own = await shop();
    await server.client.db('shop').collection('holdfast_received').drop();
    await open('chain', async (opened) => {
      const databases = ['admin', 'shop'];
      await opened.load(replay(inPathOrder(own)), { mark: markOf(1), databases, onProgress() {} });
      await opened.publish();
    });
    await assertReceived('chain', 1);
  });

  test('an oplog is replayed beside, also into collections that were made meanwhile', async () => {
    const ts = (i: number) => new BSON.Timestamp({ t: 100, i });
    const oplog = [
      { ts: ts(1), op: 'i', ns: 'shop.orders', o: { _id: 3 } },
      { ts: ts(2), op: 'c', ns: 'shop.$cmd', o: { createIndexes: 'orders', v: 2, key: { n: 1 }, name: 'n' } },
      { ts: ts(3), op: 'c', ns: 'shop.$cmd', o: { create: 'late' } },
      { ts: ts(4), op: 'i', ns: 'shop.late', o: { _id: 4 } },
      { ts: ts(5), op: 'i', ns: 'shop.system.views', o: { _id: 'shop.v', viewOn: 'orders', pipeline: [] } },
      { ts: ts(6), op: 'i', ns: 'shop.holdfast_received', o: { _id: 'received' } },
    ];
    const content = Buffer.concat(oplog.map((entry) => BSON.serialize(entry)));
    const file: CapturedEntry = { path: 'oplog.bson', type: 'file', meta: {}, content };
    const withOplog = [...withContents((contents) => ({ ...contents, consistency: 'oplog' })), file];
    const applying: Intercept = async ({ name, fields }) => {
      if (name !== 'applyOps') return undefined;
      for (const { op, ns, o } of fields.applyOps) {
        const [database, ...collection] = String(ns).split('.');
        const db = server.client.db(database);
        if (op === 'c') await db.createCollection(o.create);
        else await db.collection(collection.join('.')).insertOne(o);
      }
      return { ok: 1 };
    };
    await intercepting(applying, () => receive('replayed', 1, withOplog, { clock: hurried }));
    const db = server.client.db('replayed');
    assert.deepEqual((await namesIn('replayed')).toSorted(), [
      'first',
      'holdfast_received',
      'late',
      'orders',
    ]);
    assert.equal(await db.collection('orders').countDocuments(), 3);
    assert.equal((await db.collection('orders').indexes()).length, 2);
    assert.deepEqual(await db.collection('late').find().toArray(), [{ _id: 4 as never }]);
    assert.deepEqual(Object.keys(await seen('replayed')).toSorted(), ['first', 'late', 'orders']);
  });
});
