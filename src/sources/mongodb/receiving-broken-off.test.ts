// Runs that receive and are broken off, at each of their steps.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Clock, systemClock } from '#lib/clock.ts';
import { thisProcess } from '#lib/process-identity.ts';
import { skipWithoutDocumentdb } from '../../../test/servers/documentdb/engine.ts';
import type { Intercept } from '../../../test/servers/documentdb/front.ts';
import { type StandIn, startStandIn } from '../../../test/servers/mongodb.ts';
import type { CapturedEntry } from '../testing.ts';
import { loadInto, markOf } from '../testing.ts';
import { hurried, receiversOn } from './testing.ts';

suite('receiving into MongoDB, broken off', { skip: skipWithoutDocumentdb() ?? false }, () => {
  let server: StandIn;
  let dumps: readonly [first: CapturedEntry[], next: CapturedEntry[]];
  let states: readonly [first: Record<string, unknown>, next: Record<string, unknown>];
  const { open, receive, seen, shop, assertReceived, intercepting } = receiversOn(() => server);
  before(async () => {
    server = await startStandIn({ replicaSet: true });
    const db = server.client.db('shop');
    for (const name of ['orders', 'gone']) await db.collection(name).insertOne({});
    await db.createCollection('some', { viewOn: 'orders', pipeline: [{ $limit: 1 }] });
    const first = [await shop(), await seen('shop')] as const;
    await db.collection('gone').drop();
    for (const name of ['orders', 'new']) await db.collection(name).insertOne({});
    await db.collection('orders').createIndex({ total: 1 });
    await db.command({ collMod: 'some', viewOn: 'new', pipeline: [] });
    await db.createCollection('more', { viewOn: 'orders', pipeline: [] });
    const next = [await shop(), await seen('shop')] as const;
    dumps = [first[0], next[0]];
    states = [first[1], next[1]];
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  /** What a run changes in a server: when it loads, and when what it has loaded takes its place. It dies at every second one, to be quick. */
  const moving = ['update', 'renameCollection', 'collMod', 'drop'];
  const changing = ['create', 'createIndexes', 'insert', ...moving];

  // Loading is the same over both.
  for (const [before, names, atLeast] of [
    ['an older state', moving, 10],
    ['nothing', changing, 15],
  ] as const)
    test(`wherever a run dies over ${before}, readers see whole collections, and the next run comes to the same end`, async () => {
      const [old, dump, expected] =
        before === 'nothing' ? [{}, dumps[0], states[0]] : [states[0], dumps[1], states[1]];
      for (let at = 1; ; at += 2) {
        await server.client.db('dying').dropDatabase();
        if (before !== 'nothing') await receive('dying', 1, dumps[0]);
        // By the ordinary clock it says within the test only once that it is alive.
        const hasDied = await intercepting(dyingAt(at, names), () =>
          receive('dying', 2, dump, { clock: systemClock }).then(
            () => false,
            () => true,
          ),
        );
        assertWhole(await seen('dying'), [old, expected], `died at change ${at}`);
        await receive('dying', 2, dump);
        assert.deepEqual(await seen('dying'), expected, `died at change ${at}`);
        if (hasDied) continue;
        assert.ok(at > atLeast, `only ${at} changes`);
        break;
      }
    });

  /** Nobody hears that the change of that number was made, and the server is gone. */
  const dyingAt = (last: number, names: readonly string[]): Intercept => {
    let changes = 0;
    return async ({ name }, pass) => {
      if (changes >= last) return 'close';
      if (names.includes(name)) changes += 1;
      if (changes < last) return undefined;
      await pass();
      return 'close';
    };
  };

  /** What a view shows depends on two of them. */
  const assertWhole = (
    left: Record<string, unknown>,
    states: readonly Record<string, unknown>[],
    when: string,
  ): void => {
    for (const name of ['orders', 'new', 'gone'])
      assert.ok(
        states.some((state) => state[name] === left[name]),
        `${when}: ${name}`,
      );
  };

  test('what somebody took away while it was on its way is loaded anew', async () => {
    const db = server.client.db('taken_away');
    await receive('taken_away', 1, dumps[0]);
    const stopping: Intercept = ({ name }) => (name === 'renameCollection' && stops() ? 'close' : undefined);
    let renames = 0;
    const stops = (): boolean => {
      renames += 1;
      return renames > 2 + 1; // each is renamed within its restore, too
    };
    await intercepting(stopping, () => assert.rejects(receive('taken_away', 2, dumps[1])));
    const [beside] = (await db.listCollections({}, { nameOnly: true }).toArray()).filter(({ name }) =>
      /^holdfast\.receiving-.*\.loaded\./.test(name),
    );
    assert.ok(beside);
    await db.collection(beside.name).drop();
    await open('taken_away', async ({ mark }) => assert.equal(mark, undefined));
    await open('taken_away', async ({ mark }) => assert.equal(mark, undefined));
    await receive('taken_away', 2, dumps[1]);
    await assertReceived('taken_away', 2);
  });

  test('a run that is alive keeps others out, and one that is dead does not', async () => {
    await open('alive', async (opened) => {
      await assert.rejects(
        open('alive', async () => assert.fail('two at once'), { clock: untilHeardOf('alive') }),
        /another run is receiving into database alive/,
      );
      await loadInto(opened, 1, dumps[0]);
      await opened.publish();
    });
    await open('alive', async ({ mark }) => assert.deepEqual(mark, markOf(1)));
  });

  /** Whoever sleeps wakes when the run that has the database has said again that it is alive. */
  const untilHeardOf = (database: string): Clock => {
    const beat = async (): Promise<unknown> =>
      (await server.client.db(database).collection('holdfast_received').findOne())?.beat;
    const sleep: Clock['sleep'] = async (_, signal) => {
      const before = await beat();
      while (!signal?.aborted && (await beat()) === before);
    };
    return { ...systemClock, sleep };
  };
  /** Whoever sleeps does not wake. */
  const never: Clock = { ...systemClock, sleep: (_, signal) => systemClock.sleep(2 ** 30, signal) };

  test('a run whose process has ended is not waited for', async () => {
    await receive('ended', 1, dumps[0]);
    const by = JSON.stringify({ ...thisProcess(), started: 'before this one' });
    await server.client
      .db('ended')
      .collection<{ _id: string }>('holdfast_received')
      .updateOne({ _id: 'received' }, { $set: { run: 'another', beat: 7, by } });
    await receive('ended', 2, dumps[1], { clock: never });
    await assertReceived('ended', 2);
  });

  test('a run that was taken for dead changes nothing when it goes on', async () => {
    await receive('slow', 1, dumps[0]);
    await open(
      'slow',
      async (slow) => {
        await loadInto(slow, 1, dumps[0]);
        await receive('slow', 2, dumps[1], { clock: hurried });
        await assert.rejects(slow.publish(), /another run has begun to receive into database slow/);
      },
      { clock: never },
    );
    await assertReceived('slow', 2);
  });
});
