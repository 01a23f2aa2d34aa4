import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Catalog } from './catalog.ts';
import type { DrilledPoint } from './drilled-point.ts';
import { minute, testCatalog } from './testing.ts';

const pointIn = (
  catalog: Catalog,
  startedAt: Date,
  state: DrilledPoint['state'],
  more: Partial<DrilledPoint> = {},
): DrilledPoint => ({
  ...{ run: catalog.beginRun({ verb: 'drill', startedAt }), job: 'nightly', repository: 'offsite' },
  ...{ point: '20261121-030000-aaaa', pointTime: minute(0), sources: ['shop', 'media'] },
  ...{ startedAt, endedAt: startedAt, state },
  queries: [{ query: 'select 1', expected: '1', found: '1', passed: true }],
  ...more,
});

test('a restore point that was drilled is read as it was written', () => {
  using kept = testCatalog();
  const { points } = kept.catalog;
  const error = { code: 'STORE_UNREACHABLE', message: 'no answer', hint: 'wait' };
  const point = pointIn(kept.catalog, minute(1), 'failed', { error });
  points.add(point);
  assert.deepEqual(points.of(point.run), point);
  assert.deepEqual(points.list({ since: minute(1), until: minute(2) }), [point]);
  assert.deepEqual(points.list({ since: minute(2) }), []);
  assert.equal(points.of('another'), undefined);
});

test('the restore points of a job are proven by the newest that passed, whatever came after', () => {
  using kept = testCatalog();
  const { catalog } = kept;
  const [proven, last, other] = [
    pointIn(catalog, minute(1), 'passed'),
    pointIn(catalog, minute(2), 'differs'),
    pointIn(catalog, minute(3), 'failed', { repository: 'usb' }),
  ];
  for (const point of [proven, last, other]) catalog.points.add(point);
  const [first, second] = catalog.points.proofs();
  assert.deepEqual([first?.last.run, first?.proven?.endedAt], [last.run, minute(1)]);
  assert.deepEqual([second?.last.run, second?.proven], [other.run, undefined]);
});

test('a drill that asks nothing hides no earlier one whose queries did not find what was expected', () => {
  using kept = testCatalog();
  const { catalog } = kept;
  const wrong = [{ query: 'select 1', expected: '1', found: '2', passed: false }];
  const differed = (): unknown => catalog.points.proofs()[0]?.differed;
  const asked = pointIn(catalog, minute(1), 'differs', { queries: wrong });
  catalog.points.add(asked);
  assert.equal(differed(), undefined, 'it is the last itself');
  catalog.points.add(pointIn(catalog, minute(2), 'passed', { queries: [] }));
  assert.deepEqual(differed(), { run: asked.run, at: minute(1) });
  assert.equal(catalog.points.proofs()[0]?.proven?.queries, 0);
  catalog.points.add(pointIn(catalog, minute(3), 'passed'));
  catalog.points.add(pointIn(catalog, minute(4), 'passed', { queries: [] }));
  assert.equal(differed(), undefined, 'it was asked again');
});
