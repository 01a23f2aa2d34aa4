// Collections stored document by document (`increments: rows`): what a later backup stores follows the documents that changed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Db, Document } from 'mongodb';
import { storedBytes } from '#repository/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { commandLine, holdfast } from '../src/cli/testing.ts';
import { seenBy } from '../src/sources/mongodb/testing.ts';
import { type MongoServer, skipWithoutMongodb, startMongodb } from './servers/mongodb.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { jobsPlace } from './tools/jobs-place.ts';
import { makeRepository } from './tools/repository.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';

interface Order extends Document {
  _id: number;
}

const orderOf = (id: number): Order => ({
  _id: id,
  state: 'new',
  note: `a\nb ${id * 7919} ${'kelp '.repeat(10)}`,
});

const days: readonly ((shop: Db) => Promise<unknown>)[] = [
  (shop) =>
    shop.collection<Order>('orders').updateMany({ _id: { $mod: [100, 7] } }, { $set: { state: 'paid' } }),
  (shop) => shop.collection<Order>('orders').deleteMany({ _id: { $gte: 400, $lt: 500 } }),
  async (shop) => {
    await shop.collection<Order>('orders').insertOne({ _id: 40_000, late: [1, { deep: null }] });
    await shop.collection('log').insertOne({ line: 'another' });
  },
];

suite('increments by rows of MongoDB', { skip: skipWithoutMongodb() ?? false }, () => {
  const { at, env } = jobsPlace('increments-mongodb');
  const own = { ...env, PATH: env.PATH ?? '' };
  const { run, done } = commandLine(own);
  let server: MongoServer;
  /** What the database had when each snapshot was made, oldest first. */
  const states: Record<string, unknown>[] = [];
  const stored: number[] = [];

  const backUp = async (): Promise<void> => {
    const bytes = await storedBytes(openLocalStore(at('repository')), 'data/');
    await done('backup');
    stored.push((await storedBytes(openLocalStore(at('repository')), 'data/')) - bytes);
    states.push(await seenBy(server.client.db('shop')));
  };

  before(async () => {
    server = await startMongodb();
    const shop = server.client.db('shop');
    await shop.dropDatabase();
    await shop.collection<Order>('orders').insertMany(Array.from({ length: 15_000 }, (_, id) => orderOf(id)));
    await shop.collection('log').insertMany(Array.from({ length: 10 }, () => ({ line: 'the same' })));
    writeFileSync(
      at('holdfast.yaml'),
      `repositories:
  here: { store: ${at('repository')}, password: { env: HOLDFAST_PASSWORD } }
sources:
  shop: { kind: mongodb, url: "${server.url('shop')}", increments: rows }
  received: { kind: mongodb, url: "${server.url('received')}" }
jobs:
  nightly: { backup: [shop], to: [here] }
  follow: { receive: [{ source: shop, into: received }], from: here }
`,
      { mode: 0o600 },
    );
    await makeRepository(at('repository'));
    await backUp();
    for (const day of days) {
      await day(shop);
      await backUp();
    }
  });
  after(() => server?.[Symbol.asyncDispose]());

  test('what each backup stores follows the documents that changed', () => {
    const [first = 0, ...others] = stored;
    assert.ok(first > 50_000, `${stored}`);
    for (const bytes of others) assert.ok(bytes < 20_000, `${stored}`);
  });

  test('snapshots are verified, and come back as they were', async () => {
    for (const [back, state] of [...states].reverse().entries()) {
      const snapshot = `latest~${back}`;
      assert.match(await done(`verify ${snapshot}`), /is what was captured/);
      const { status, stderr } = await run(`restore ${snapshot} --as copy${back} --to`, server.url());
      assert.equal(status, 0, stderr);
      const copy = server.client.db(`copy${back}`);
      assert.deepEqual(await seenBy(copy), state, snapshot);
      await copy.dropDatabase();
    }
  });

  test('a drill and a receiver find what was captured', async () => {
    assert.match(await done('drill nightly'), /restored/);
    await done('run follow');
    const { holdfast_received: _, ...received } = await seenBy(server.client.db('received'));
    assert.deepEqual(received, states.at(-1));
    await server.client.db('received').dropDatabase();
  });

  test('single documents, differences and questions see collections as they were', async () => {
    assert.match(await done('dump latest --document 507'), /paid/);
    const lines = jsonLines(await done('diff latest~2 latest~1 --rows --table orders --json'));
    assert.equal(lines.filter(({ change }) => change === 'removed').length, 100);
    const { stdout } = await holdfast(['query', 'latest', 'SELECT count(*) AS n FROM orders'], { env: own });
    assert.match(stdout, /14901/);
    assert.match(await done('ls latest'), /orders\.bson$/m);
    assert.doesNotMatch(await done('ls latest'), /\.gone/);
  });

  test('repository, forgetting and pruning: what is left is whole', async () => {
    await done('forget --keep-last 2 --prune');
    assert.match(await done('check --read-data'), /no problem/);
    for (const snapshot of ['latest', 'latest~1'])
      assert.match(await done(`verify ${snapshot}`), /is what was captured/);
  });

  test('stock restic and the recipe of the manual rebuild the file', {
    skip: skipWithoutRestic() ?? skipWithout('python') ?? false,
  }, async () => {
    const { new: restic } = await resticBinaries();
    const docs = join(import.meta.dirname, '..', 'docs', 'restore-without-holdfast.md');
    const [, recipe] = /^```sh\n(find \. -path [^`]*)```/m.exec(readFileSync(docs, 'utf8')) ?? [];
    assert.ok(recipe);
    await runRestic(restic, ['restore', 'latest', '--target', at('back')], { repository: at('repository') });
    const folder = at('back', 'shop', 'shop');
    assert.deepEqual(readdirSync(join(folder, 'orders.bson')).toSorted().slice(0, 3), [
      '0000.bson',
      '0001.bson',
      '0001.gone',
    ]);
    mkdirSync(at('back', 'mine.bson'));
    for (const name of ['0000.bson', 'notes.txt']) writeFileSync(at('back', 'mine.bson', name), 'mine');
    execFileSync('sh', ['-c', recipe], { cwd: at('back') });
    assert.deepEqual(readdirSync(at('back', 'mine.bson')), ['0000.bson', 'notes.txt']);
    await done(`restore latest --to ${at('ours')}`);
    const ours = readFileSync(at('ours', 'shop', 'orders.bson'));
    assert.ok(readFileSync(join(folder, 'orders.bson')).equals(ours));
  });
});
