import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime } from '#lib/format.ts';
import { chooseSnapshot, matching, newestOfEach, originOf } from './snapshot-choice.ts';
import { snapshotOf } from './testing.ts';

const old = snapshotOf('shop', 1);
const newest = snapshotOf('shop', 3);
const media = snapshotOf('media', 2);
const byRestic = snapshotOf(undefined, 4);

test('latest is the newest of the only source, whatever the order of the list', () => {
  assert.equal(chooseSnapshot([newest, old], 'latest', {}), newest);
  assert.equal(chooseSnapshot([old, newest, media], 'latest', { source: 'shop' }), newest);
  assert.equal(chooseSnapshot([old, newest, media], 'latest:media', {}), media);
});

test('latest of several sources is refused, and each is named', () => {
  assert.throws(() => chooseSnapshot([old, media, byRestic], 'latest', {}), {
    code: 'USAGE',
    message: '"latest" could be any of 3 sources: shop, media, /home/ada',
    hint: 'say which: latest:shop, or --source shop',
  });
});

test('latest of one source on several hosts is refused until the host is named, and it is said how new each is', () => {
  const there = snapshotOf('shop', 9, { hostname: 'there' });
  assert.throws(() => chooseSnapshot([newest, there], 'latest:shop', {}), {
    code: 'USAGE',
    message: `"latest" of shop could be of any of these hosts: there (${formatTime(there.time)}), here (${formatTime(newest.time)})`,
    hint: 'say which: --host there',
  });
  assert.equal(chooseSnapshot([newest, there], 'latest', { host: 'here' }), newest);
});

test('the beginning of an id is enough when only one snapshot has it', () => {
  assert.equal(chooseSnapshot([old, newest], newest.id.slice(0, 8), {}), newest);
  assert.throws(() => chooseSnapshot([old, newest], '000000', {}), {
    code: 'SNAPSHOT_UNKNOWN',
    message: '"000000" begins the ids of 2 snapshots',
  });
});

test('an id of another source, job or host than asked for is refused', () => {
  const tags = ['source:shop', 'job:nightly'];
  const nightly = snapshotOf('shop', 5, { tags });
  const word = nightly.id.slice(0, 8);
  assert.equal(
    chooseSnapshot([old, nightly], word, { source: 'shop', job: 'nightly', host: 'here' }),
    nightly,
  );
  assert.throws(() => chooseSnapshot([old, nightly], word, { source: 'media' }), {
    code: 'USAGE',
    message: `"${word}" and --source media contradict each other`,
    hint: 'it is of source shop, job nightly and host here',
  });
  for (const filter of [{ job: 'weekly' }, { host: 'there' }])
    assert.throws(() => chooseSnapshot([old, nightly], word, filter), { code: 'USAGE' });
});

test('a number behind a tilde goes back among the snapshots of the same source and host', () => {
  const there = snapshotOf('shop', 2, { hostname: 'there' });
  const middle = snapshotOf('shop', 2, { tags: ['source:shop', 'job:weekly'] });
  const all = [newest, media, there, middle, old];
  const choose = (word: string, filter = {}) => chooseSnapshot(all, word, { host: 'here', ...filter });
  assert.equal(choose('latest:shop~1'), middle);
  assert.equal(choose('latest~2', { source: 'shop' }), old);
  assert.equal(choose(`${middle.id}~1`), old);
  assert.equal(choose('latest:shop~0'), newest);
  assert.equal(choose('latest:shop~1~1'), old);
  assert.throws(() => choose('latest:shop~3'), {
    code: 'SNAPSHOT_UNKNOWN',
    message: `2 snapshots of shop from here are older than ${newest.id.slice(0, 8)}, not 3`,
  });
  assert.throws(() => choose('latest:media~1'), /^HoldfastError: 0 snapshots of media/);
  assert.throws(() => choose('ffffffff~1'), { message: 'no snapshot "ffffffff"' });
});

test('what is no snapshot is said to be none', () => {
  for (const word of ['ffffffff', 'nightly', '../config', '', 'LATEST'])
    assert.throws(() => chooseSnapshot([old], word, {}), { code: 'SNAPSHOT_UNKNOWN' });
  assert.throws(() => chooseSnapshot([], 'latest', {}), /holds no snapshots yet/);
  assert.throws(
    () => chooseSnapshot([old], 'latest:shpo', {}),
    /no snapshot of source "shpo"; did you mean "shop"\?/,
  );
  assert.throws(() => chooseSnapshot([old], 'latest:shop', { source: 'media' }), { code: 'USAGE' });
  assert.throws(() => chooseSnapshot([old], 'latest:shop', { host: 'there' }), {
    message: 'no snapshot of source "shop" and from host "there"',
  });
});

test('filters narrow by source, job and host, and find what restic made by its paths', () => {
  const nightly = snapshotOf('shop', 5, { tags: ['source:shop', 'job:nightly'] });
  const all = [old, nightly, media, byRestic];
  assert.deepEqual(matching(all, { job: 'nightly' }), [nightly]);
  assert.deepEqual(matching(all, { source: 'shop' }), [old, nightly]);
  assert.deepEqual(matching(all, { source: '/home/ada' }), [byRestic]);
  assert.deepEqual(newestOfEach([nightly, old, media, byRestic]).map(originOf), [
    'media',
    '/home/ada',
    'shop',
  ]);
});

test('a partial backup is no snapshot of its source, and never the latest', () => {
  const whole = snapshotOf('shop', 1);
  const tags = ['source:shop~partial', 'kind:postgres-partial'];
  const changes = snapshotOf('shop', 5, { tags });
  const all = [whole, changes];
  assert.equal(chooseSnapshot(all, 'latest', {}), whole);
  assert.equal(chooseSnapshot(all, 'latest:shop', {}), whole);
  assert.equal(chooseSnapshot(all, 'latest', { source: 'shop~partial' }), changes);
  assert.deepEqual(matching(all, { source: 'shop' }), [whole]);
});
