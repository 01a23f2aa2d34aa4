// Dumps that end well and hold too little: none of them may pass for a good backup.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testCatalog } from '#catalog/testing.ts';
import type { RepositoryConfig } from '#config/config.ts';
import { systemClock } from '#lib/clock.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import { Secret } from '#lib/secret.ts';
import type { Manifest } from '#sources/manifest.ts';
import { storeFromUrl } from '#stores/registry.ts';
import { makeRepository } from '../../../test/tools/repository.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { endOf } from '../notify/run.ts';
import { type BackupRun, runBackup } from '../run-backup.ts';
import { isSuspicious, tagOf } from '../snapshot-choice.ts';
import { plainSource, rememberingContext } from '../testing.ts';
import { withRepository } from '../use-repository.ts';
import { acceptRun } from './accept.ts';
import { type AnomalyRules, usualRules } from './anomalies.ts';

type Rows = Readonly<Record<string, number>>;

/** A database as a source dumps it: a file of rows a table, and the manifest that counts them. */
const database = (rows: Rows, withManifest = true) => {
  const contents = Object.entries(rows).map(([name, count]) => {
    const lines = Array.from({ length: count }, (_, at) => `${name} ${at}\n`).join('');
    return [name, lines] as const;
  });
  const manifest: Manifest = {
    manifest: 1,
    engine: 'plain',
    engineVersion: '1',
    database: 'shop',
    position: {},
    capturedAt: '2026-11-21T03:30:00Z',
    tables: contents.map(([name, lines]) => {
      const counter = createRowCounter('lines');
      counter.update(Buffer.from(lines));
      return { name, entries: [`data/${name}`], format: 'lines', ...counter.finish() };
    }),
    missing: [],
  };
  return {
    ...Object.fromEntries(contents.map(([name, lines]) => [`data/${name}`, lines])),
    ...(withManifest && { 'manifest.json': JSON.stringify(manifest) }),
  };
};

const shop = { orders: 400, people: 100 };

type Dumps = Readonly<Record<string, ReturnType<typeof database>>>;

/** A repository, and nightly runs of one job that keeps one snapshot of each source. */
const nights = async () => {
  const folder = temporaryFolder('judge');
  const repository: RepositoryConfig = {
    name: 'offsite',
    store: storeFromUrl(folder),
    password: new Secret('correct horse'),
    compression: 'default',
    verifyWrites: false,
  };
  const here = testCatalog();
  const context = { ...rememberingContext(), catalog: here.catalog };
  await makeRepository(folder, 'correct horse');
  const back = (dumps: Dumps, anomalies?: AnomalyRules | 'off', days = 0): Promise<BackupRun> =>
    runBackup(
      {
        job: 'nightly',
        sources: Object.entries(dumps).map(([name, entries]) => plainSource(name, entries, 'plain')),
        repositories: [{ repository, keep: { last: 1 } }],
        tags: [],
        dryRun: false,
        anomalies,
      },
      { ...context, clock: { ...systemClock, now: () => new Date(Date.now() + days * 86_400_000) } },
    );
  const snapshots = () =>
    withRepository(repository, { lock: 'none' }, context, (opened) => opened.snapshots());
  return {
    repository,
    context,
    back,
    snapshots,
    catalog: here.catalog,
    [Symbol.dispose]: here[Symbol.dispose],
  };
};

const silentSuccesses: readonly (readonly [
  name: string,
  dump: ReturnType<typeof database>,
  finding: RegExp,
])[] = [
  ['ended-early', database({ orders: 400 }, false), /lacks the database/],
  ['empty', {}, /is empty/],
  ['emptied-tables', database({ orders: 0, people: 0 }), /0 rows in the table orders/],
  ['lost-table', database({ orders: 400 }), /lacks the table people/],
  ['shrunk', database({ orders: 40, people: 10 }), /50 rows, 90 % less/],
];
const dumpsOf = (dump: (bad: ReturnType<typeof database>) => ReturnType<typeof database>): Dumps =>
  Object.fromEntries(silentSuccesses.map(([name, bad]) => [name, dump(bad)]));

test('dumps that end well and hold too little are suspicious, told, and nothing is forgotten for them', async () => {
  using here = await nights();
  await here.back(dumpsOf(() => database({ orders: 390, people: 100 })));
  const good = await here.back(dumpsOf(() => database(shop)));
  assert.deepEqual([good.state, (await here.snapshots()).length], ['ok', 5], 'a good run forgets');

  const run = await here.back(dumpsOf((bad) => bad));
  assert.deepEqual([run.state, run.status], ['partial', 3]);
  const details = here.catalog.run(run.id);
  for (const [name, , finding] of silentSuccesses) {
    const source = details.sources.find((one) => one.source === name);
    assert.equal(source?.error?.code, 'SUSPICIOUS', name);
    assert.match(source?.error?.message ?? '', finding);
  }
  const told = endOf('nightly', details);
  assert.equal(told?.event, 'suspicious');
  assert.match(told?.text ?? '', /lacks the database.* \(and 4 more\)$/);
  assert.match(told?.paragraphs.join() ?? '', new RegExp(`holdfast accept ${run.id}`));

  const again = await here.back(dumpsOf((bad) => bad));
  assert.deepEqual(
    again.outcomes.map(({ state }) => state),
    silentSuccesses.map(() => 'partial'),
    'it does not become usual by itself',
  );
  const kept = await here.snapshots();
  for (const [name] of silentSuccesses) {
    const own = kept.filter((snapshot) => tagOf(snapshot, 'source') === name);
    assert.deepEqual(own.map(isSuspicious), [false, true, true], name);
  }
});

test('what is well again is good, and the suspicious ones go as the rules say', async () => {
  using here = await nights();
  await here.back({ shop: database(shop) });
  await here.back({ shop: {} });
  const run = await here.back({ shop: database(shop) });
  assert.equal(run.state, 'ok');
  assert.deepEqual(
    (await here.snapshots()).map((snapshot) => tagOf(snapshot, 'run')),
    [run.id],
  );
  assert.equal((await here.back({ shop: {} }, 'off')).state, 'ok', 'nobody looks where the file says so');
});

test('an accepted run is what is usual from then on', async () => {
  using here = await nights();
  await here.back({ shop: database(shop) });
  const run = await here.back({ shop: database({ orders: 400 }) });
  const accepted = await acceptRun([here.repository], 'latest', here.context);
  assert.deepEqual(
    accepted.map(({ snapshot }) => tagOf(snapshot, 'run')),
    [run.id],
  );
  assert.deepEqual(await acceptRun([here.repository], 'latest', here.context), []);
  const next = await here.back({ shop: database({ orders: 400 }) });
  assert.equal(next.state, 'ok');
  assert.equal((await here.snapshots()).length, 1);
});

test('what must grow and does not is suspicious after a while', async () => {
  using here = await nights();
  const rules = { ...usualRules, growsWithinMs: 7 * 86_400_000 };
  const states = [];
  for (const days of [-8, -2, 6]) states.push((await here.back({ shop: database(shop) }, rules, days)).state);
  assert.deepEqual(states, ['ok', 'ok', 'partial'], 'the rules of this job keep only the one before');
});
