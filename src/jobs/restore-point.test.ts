import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime } from '#lib/format.ts';
import { choosePoint } from './restore-point.ts';
import { snapshotOf } from './testing.ts';

const stored = (source: string, minutes: number, run: string, hostname: string) =>
  snapshotOf(source, minutes, {
    hostname,
    tags: [`source:${source}`, 'kind:files', 'job:nightly', `run:${run}`],
  });

test('a job that ran on several hosts has the host named, and it is said when the newest run of each was', () => {
  const [old, begun, newest] = [
    stored('shop', 1, 'a', 'old-web'),
    stored('shop', 5, 'b', 'new-web'),
    stored('media', 6, 'b', 'new-web'),
  ];
  const snapshots = [stored('shop', 0, '0', 'old-web'), old, begun, newest];
  const hints = { empty: '', host: (newest: string) => `say which: --host ${newest}`, lacking: () => '' };
  const request = { job: 'nightly', sources: ['shop'], hints };
  assert.throws(() => choosePoint(snapshots, request), {
    code: 'USAGE',
    message: `nightly ran on several hosts: new-web (newest run: ${formatTime(begun.time)}), old-web (newest run: ${formatTime(old.time)})`,
    hint: 'say which: --host new-web',
  });
  assert.equal(choosePoint(snapshots, { ...request, host: 'old-web' }).run, 'a');
});
