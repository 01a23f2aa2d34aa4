import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Catalog, openCatalog } from './catalog.ts';
import type { DrillEnd, NewDrill } from './drill.ts';
import { minute, testCatalog } from './testing.ts';

const drillOf = (catalog: Catalog, id: string, startedAt: Date, more: Partial<NewDrill> = {}): NewDrill => ({
  id,
  run: catalog.beginRun({ verb: 'drill', startedAt }),
  source: 'shop',
  kind: 'postgres',
  repository: 'offsite',
  snapshot: 'ab'.repeat(32),
  snapshotTime: minute(0),
  startedAt,
  scratch: `holdfast_drill_${id}`,
  location: 'db:5432',
  folder: '/tmp',
  ...more,
});

const passed = (endedAt: Date): DrillEnd => ({
  ...{
    state: 'passed',
    endedAt,
    restoreMs: 1234,
    entries: 9,
    bytes: 2 ** 40,
    tables: 3,
    rows: 17,
    definitions: 5,
  },
  ...{ differences: 0, firstDifferences: [], notes: ['a role was missing'] },
  queries: [{ query: 'select 1', expected: '1', found: '1', passed: true }],
});

test('a drill is read as it was written', () => {
  using kept = testCatalog();
  const { drills } = kept.catalog;
  const drill = drillOf(kept.catalog, 'one', minute(1));
  drills.begin(drill);
  drills.end('one', passed(minute(2)));
  const [found] = drills.list({ since: minute(1), until: minute(2) });
  assert.ok(found);
  const { process: _, removed, ...rest } = found;
  assert.deepEqual(rest, { ...drill, ...passed(minute(2)) });
  assert.equal(removed, false);
  assert.deepEqual(drills.list({ since: minute(2) }), []);
});

test('a place is a leftover until it is removed, but not while its drill runs', () => {
  using kept = testCatalog();
  const { drills } = kept.catalog;
  drills.begin(drillOf(kept.catalog, 'one', minute(1)));
  assert.deepEqual(drills.leftovers(), []);
  drills.end('one', { ...passed(minute(2)), state: 'failed' });
  assert.deepEqual(
    drills.leftovers().map(({ scratch }) => scratch),
    ['holdfast_drill_one'],
  );
  drills.removed('one');
  assert.deepEqual(drills.leftovers(), []);
});

test('the place of a drill whose process has gone is a leftover', () => {
  using kept = testCatalog();
  const gone = {
    host: kept.catalog.run(kept.catalog.beginRun({ verb: 'drill', startedAt: minute(0) })).run.process.host,
    pid: 4_194_303,
    started: '',
  };
  using other = openCatalog(kept.catalog.path, { warn: assert.fail, process: gone });
  other.drills.begin(drillOf(other, 'lost', minute(1)));
  const [left] = kept.catalog.drills.leftovers();
  assert.equal(left?.id, 'lost');
  assert.equal(left.state, 'interrupted');
});

test('a source is proven by its newest drill that passed, whatever came after', () => {
  using kept = testCatalog();
  const { drills } = kept.catalog;
  for (const [id, at, state] of [
    ['a', 1, 'passed'],
    ['b', 3, 'passed'],
    ['c', 5, 'differs'],
  ] as const) {
    drills.begin(drillOf(kept.catalog, id, minute(at)));
    drills.end(id, { ...passed(minute(at + 1)), state });
  }
  drills.begin(drillOf(kept.catalog, 'd', minute(7), { source: 'media' }));
  const [media, shop] = drills.proofs();
  assert.equal(media?.source, 'media');
  assert.equal(media.proven, undefined);
  assert.deepEqual(shop?.proven, { at: minute(4), restoreMs: 1234, snapshotTime: minute(0) });
  assert.equal(shop.last.state, 'differs');
});
