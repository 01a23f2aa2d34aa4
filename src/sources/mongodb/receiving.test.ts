// A database kept fresh from whole snapshots of another, while it is read.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Db } from 'mongodb';
import { hasCode } from '#lib/errors.ts';
import { skipWithoutDocumentdb } from '../../../test/servers/documentdb/engine.ts';
import type { Intercept } from '../../../test/servers/documentdb/front.ts';
import { type StandIn, startStandIn } from '../../../test/servers/mongodb.ts';
import { loadInto } from '../testing.ts';
import { hurried, receiversOn, seenBy } from './testing.ts';
import { fillShop } from './testing-database.ts';

suite('receiving into MongoDB', { skip: skipWithoutDocumentdb() ?? false }, () => {
  let server: StandIn;
  before(async () => {
    server = await startStandIn({ replicaSet: true });
    await fillShop(server, 'shop');
  });
  after(async () => await server?.[Symbol.asyncDispose]());
  const { open, receive, seen, shop, assertReceived, intercepting } = receiversOn(() => server);

  test('a database of the other name is there, with all that the snapshot has, and nothing beside it', async () => {
    const dump = await shop();
    await open('copy', async (opened) => {
      assert.equal(opened.mark, undefined);
      await loadInto(opened, 1, dump);
      const beside = Object.keys(await seen('copy'));
      assert.ok(
        beside.every((name) => name.startsWith('holdfast.receiving-')),
        beside.join(),
      );
      await opened.publish();
    });
    await assertReceived('copy', 1);
  });

  test('readers see each collection as it was or as it is, never empty, while all of them change', async () => {
    await change(server.client.db('shop'));
    const dump = await shop();
    const looks: (readonly number[])[] = [];
    const look = async (): Promise<unknown> => looks.push(await counts(server.client.db('copy')));
    let steps = 0;
    const atEachStep: Intercept = async ({ name }) => {
      if (!['create', 'createIndexes', 'insert', 'renameCollection', 'collMod', 'drop'].includes(name))
        return;
      steps += 1;
      await look();
    };
    await look();
    let over = false;
    const reading = (async () => {
      while (!over) await look(); // within a step, too
    })();
    await intercepting(atEachStep, () => receive('copy', 2, dump));
    over = true;
    await reading;
    await look();
    const [first = [], last = []] = [looks[0], looks.at(-1)];
    assert.ok(steps > 10, `${steps} steps`);
    const [, view] = read;
    for (const look of looks)
      for (const [at, count] of look.entries()) {
        assert.ok(count > 0, read[at]);
        if (read[at] !== view) assert.ok(count === first[at] || count === last[at], `${read[at]}: ${count}`);
      }
    assert.deepEqual(
      first.map((count, at) => count !== last[at]),
      [true, true, false, true],
    );
    await assertReceived('copy', 2);
  });

  /** The view follows the collection that it shows a moment later. */
  const read = ['orders', 'big orders', 'fs.files', 'strict'] as const;
  const counts = async (db: Db): Promise<readonly number[]> =>
    await Promise.all(
      read.map(async (name) => {
        const [found] = await db
          .collection(name)
          .aggregate([{ $count: 'n' }])
          .toArray();
        return Number(found?.n ?? 0);
      }),
    );

  /** Documents, indexes, validators and views that are new, changed, and gone. */
  const change = async (db: Db): Promise<void> => {
    await db.collection('orders').deleteMany({ number: { $gte: 1200 } });
    await db.collection('orders').dropIndex('sparse');
    await db.collection('orders').createIndex({ note: -1 }, { name: 'note' });
    await db.collection('strict').insertOne({ name: 'y' });
    await db.command({ collMod: 'strict', validator: { name: { $type: 'string' } } });
    await db.collection('x.y.z').drop();
    await db.collection('brand new').insertOne({ fresh: true });
    const pipeline = [{ $match: { total: { $gt: 80 } } }];
    await db.command({ collMod: 'big orders', viewOn: 'orders', pipeline });
    await db.collection('a view on a view').drop();
    await db.createCollection('another view', { viewOn: 'strict', pipeline: [] });
  };

  /** The stand-in puts a collection in the place of a view, which MongoDB refuses. */
  const asMongodbRenames: Intercept = async ({ name, fields }) => {
    if (name !== 'renameCollection') return undefined;
    const [database = '', ...to] = String(fields.to).split('.');
    const [there] = await server.client
      .db(database)
      .listCollections({ name: to.join('.') })
      .toArray();
    return there === undefined || there.type === 'collection'
      ? undefined
      : { ok: 0, code: 166, codeName: 'CommandNotSupportedOnView', errmsg: 'the target is a view' };
  };

  test('a name becomes that of a view, or of a collection', async () => {
    const db = server.client.db('shop');
    await db.collection('brand new').drop();
    await db.createCollection('brand new', { viewOn: 'mixed', pipeline: [] });
    await db.collection('another view').drop();
    await db.collection('another view').insertOne({ now: 'a collection' });
    const dump = await shop();
    await intercepting(asMongodbRenames, () => receive('copy', 3, dump));
    await assertReceived('copy', 3);
  });

  test('a view is changed in one step, or made anew where the server refuses that', async () => {
    const refused: string[] = [];
    const refusing: Intercept = ({ name, fields }) => {
      if (name !== 'collMod') return undefined;
      refused.push(fields.collMod);
      return { ok: 0, code: 5, codeName: 'GraphContainsCycle', errmsg: 'the views are in a circle' };
    };
    await server.client.db('shop').command({ collMod: 'big orders', viewOn: 'brand new', pipeline: [] });
    const dump = await shop();
    await intercepting(refusing, () => receive('copy', 4, dump));
    assert.deepEqual(refused, ['big orders']); // all others are as they were
    await assertReceived('copy', 4);
  });

  test('a run that is given up, or meets damage, leaves what readers see as it was, and nothing beside it', async () => {
    const before = await seenBy(server.client.db('copy'));
    const dump = await shop();
    await open('copy', (opened) => loadInto(opened, 5, dump));
    const broken = dump.map((entry) =>
      entry.path === 'shop/orders.bson' && entry.content
        ? { ...entry, content: entry.content.subarray(0, -7) }
        : entry,
    );
    await open('copy', (opened) => assert.rejects(loadInto(opened, 5, broken), /ends in the middle/));
    const cancelling = new AbortController();
    const options = { clock: hurried, signal: cancelling.signal };
    const givenUp = async (opened: Parameters<typeof loadInto>[0]): Promise<void> => {
      await loadInto(opened, 5, dump);
      cancelling.abort();
      await assert.rejects(opened.publish(), (error) => hasCode(error, 'CANCELLED'));
    };
    await open('copy', givenUp, options);
    assert.deepEqual(await seenBy(server.client.db('copy')), before);
    assert.equal(await server.openConnections(), 0);
  });

  test('a view or an index that cannot be made there fails the run while readers see the old state', async () => {
    const before = await seenBy(server.client.db('copy'));
    const dump = await shop();
    for (const command of ['createIndexes', 'create']) {
      const refusing: Intercept = ({ name, fields }) =>
        name === command && (name === 'createIndexes' || fields.viewOn !== undefined)
          ? { ok: 0, code: 40_324, codeName: 'Location40324', errmsg: 'unrecognized' }
          : undefined;
      await intercepting(refusing, () =>
        open('copy', (opened) =>
          assert.rejects(
            loadInto(opened, 5, dump),
            (error) => hasCode(error, 'TARGET_FAILED') && /unrecognized/.test(error.message),
          ),
        ),
      );
    }
    assert.deepEqual(await seenBy(server.client.db('copy')), before);
  });
});
