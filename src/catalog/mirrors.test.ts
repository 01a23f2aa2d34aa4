import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MirrorOutcome } from './mirrors.ts';
import { minute, testCatalog } from './testing.ts';

const place = { job: 'copies', store: '/srv/copies' };
const good: MirrorOutcome = {
  path: 'a/b',
  status: 'OK',
  listed: 'size 3',
  copy: { sizeBytes: 3, checksumType: 'MD5', checksum: '00' },
  run: 'first',
  at: minute(1),
};
const bad: MirrorOutcome = {
  path: 'a/b',
  status: 'FAIL_READ',
  listed: 'size 3',
  run: 'second',
  at: minute(2),
  error: { code: 'OBJECT_MISSING', message: 'gone' },
};

test('a file is known by its last status, with the attempts since it was OK and the times of both', () => {
  using fixture = testCatalog();
  const { mirrors } = fixture.catalog;
  for (const outcome of [good, bad, { ...bad, at: minute(3) }]) mirrors.record(place, [outcome]);
  const { copy: _, ...left } = { ...good, ...bad };
  assert.deepEqual(mirrors.file(place, 'a/b'), {
    ...left,
    at: minute(3),
    attempts: 2,
    firstAt: minute(1),
    okAt: minute(1),
  });
  mirrors.record(place, [{ ...good, run: 'third', at: minute(4) }]);
  assert.deepEqual(mirrors.file(place, 'a/b')?.attempts, 3);
  assert.deepEqual(mirrors.file(place, 'a/b')?.okAt, minute(4));
});

test('what is remembered of another store or job is not known', () => {
  using fixture = testCatalog();
  const { mirrors } = fixture.catalog;
  mirrors.record(place, [good]);
  assert.equal(mirrors.file({ ...place, store: '/elsewhere' }, 'a/b'), undefined);
  assert.equal(mirrors.file({ ...place, job: 'other' }, 'a/b'), undefined);
  assert.deepEqual(mirrors.stores('copies'), ['/srv/copies']);
});

test('files are told in the order of their paths, however many', () => {
  using fixture = testCatalog();
  const { mirrors } = fixture.catalog;
  const paths = Array.from({ length: 1203 }, (_, index) => `f${String(index).padStart(5, '0')}`);
  const outcomes = paths.map((path, index) => ({ ...(index % 100 === 7 ? bad : good), path }));
  mirrors.record(place, outcomes.toReversed());
  assert.deepEqual(
    [...mirrors.files(place)].map(({ path }) => path),
    paths,
  );
  assert.equal([...mirrors.files(place, 'FAIL_READ')].length, 12);
});

test('failed files that are listed no longer are forgotten, good ones are not', () => {
  using fixture = testCatalog();
  const { mirrors } = fixture.catalog;
  mirrors.record(place, [good, { ...bad, path: 'gone' }, { ...bad, path: 'tried', run: 'now' }]);
  assert.equal(mirrors.forgetUnlisted(place, 'now'), 1);
  assert.deepEqual(
    [...mirrors.files(place)].map(({ path }) => path),
    ['a/b', 'tried'],
  );
});

test('a listing that was not read before begins anew', () => {
  using fixture = testCatalog();
  const { mirrors } = fixture.catalog;
  const state = {
    settled: '2026-01-01T00:00:00',
    pending: [{ next: '12', position: '2026-01-02T00:00:00' }],
  };
  mirrors.setListing(place, 'select 1', state);
  assert.deepEqual(mirrors.listing(place, 'select 1'), state);
  assert.deepEqual(mirrors.listing(place, 'select 2'), { pending: [] });
});
