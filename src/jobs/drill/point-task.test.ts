import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePoint } from '../restore-point.ts';
import { snapshotOf } from '../testing.ts';
import { pointRequest, pointTaskOf } from './point-task.ts';

const stored = (source: string, minutes: number, run: string, hostname: string) =>
  snapshotOf(source, minutes, {
    hostname,
    tags: [`source:${source}`, 'kind:files', 'job:nightly', `run:${run}`],
  });
const snapshots = [
  stored('shop', 1, 'a', 'web'),
  stored('media', 2, 'a', 'web'),
  stored('shop', 3, 'b', 'web'),
  stored('shop', 4, 'c', 'other'),
];
const sources = ['shop', 'media'];
const task = (host?: string) => {
  const drill = { point: 'nightly', host, sources: [] };
  const found = pointTaskOf({ name: 'prove', verb: 'drill', drill, from: 'here', across: [] });
  assert.ok(found);
  return found;
};

test('the newest run that is whole is taken, and which newer one was passed over is known', () => {
  const { run, passedOver } = choosePoint(snapshots, pointRequest(task('web'), sources));
  assert.deepEqual({ run, passedOver }, { run: 'a', passedOver: 'b' });
  assert.equal(choosePoint(snapshots, pointRequest(task('web'), ['shop'])).passedOver, undefined);
});

test('where it is not clear or not there, what to do is said in the words of a drill', () => {
  const hintOf = (request: Parameters<typeof choosePoint>[1], of = snapshots): string => {
    try {
      choosePoint(of, request);
    } catch (error) {
      return (error as { hint?: string }).hint ?? '';
    }
    return assert.fail('it was found');
  };
  assert.equal(hintOf(pointRequest(task(), sources)), 'say which: "host: other" beside "point"');
  assert.equal(
    hintOf(pointRequest(task('other'), sources)),
    'the newest run, c, has no snapshot of media: see `holdfast runs --job nightly`, and run `holdfast backup nightly`',
  );
  assert.equal(
    hintOf(pointRequest({ ...task('web'), run: 'b' }, sources)),
    '`holdfast snapshots --job nightly` shows which runs have it',
  );
  assert.equal(hintOf(pointRequest(task(), sources), []), '`holdfast backup nightly` makes a restore point');
});
