import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ItemRecord, RunDetails, SourceRecord } from '#catalog/run.ts';
import { failed, minute, storedSource, succeeded } from '#catalog/testing.ts';
import { thisProcess } from '#lib/process-identity.ts';
import { noticeText } from '#notifiers/notice-text.ts';
import { sampleNotice } from '#notifiers/testing.ts';
import { endOf } from './run.ts';

const begin = { id: 'r1', job: 'nightly', verb: 'backup', startedAt: minute(0), process: thisProcess() };
const details = (
  end: object,
  sources: readonly SourceRecord[] = [],
  items: readonly ItemRecord[] = [],
): RunDetails => ({ run: { ...begin, ...end } as RunDetails['run'], sources, items });

test('a partial run says how many items were processed, succeeded and failed, and which', () => {
  const error = { code: 'ITEM_UNREADABLE', message: 'permission denied', hint: 'grant select on t' };
  const occurrence = endOf(
    'nightly',
    details(
      { ...succeeded(minute(5)), state: 'partial', exitStatus: 3, items: 41, itemsFailed: 2 },
      [{ ...storedSource, state: 'partial', itemsFailed: 2 }],
      [
        { source: 'shop', item: 'public.orders', bytes: 7, rows: 3 },
        { source: 'shop', item: 'public.t', bytes: 0, error },
        { source: 'shop', item: 'public.u', bytes: 0, error },
      ],
    ),
  );
  assert.deepEqual([occurrence?.event, occurrence?.text], ['partial', '2 items failed']);
  assert.deepEqual(occurrence?.run?.items, { processed: 43, succeeded: 41, failed: 2 });
  assert.ok(occurrence?.run);
  const text = noticeText(sampleNotice({ run: occurrence.run }));
  assert.match(text, /processed 43, succeeded 41, failed 2/);
  assert.match(text, /- shop: public\.t: permission denied \(grant select on t\)\n- shop: public\.u/);
});

test('a failed run says of which source, and what to do', () => {
  const end = failed(minute(5));
  const occurrence = endOf(
    'nightly',
    details(end, [{ ...storedSource, state: 'failed', error: end.error! }]),
  );
  assert.equal(occurrence?.text, 'shop: no server at db:5432');
  assert.deepEqual(occurrence?.paragraphs, [
    'shop in offsite: no server at db:5432\nstart it',
    '`holdfast runs r1` tells all of it.',
  ]);
});

test('of very many failures the first are named, and the others counted', () => {
  const items = Array.from({ length: 250 }, (_, at) => ({
    source: 'media',
    item: `file ${at}`,
    bytes: 0,
    error: { code: 'ITEM_UNREADABLE', message: 'no' },
  }));
  const run = endOf('nightly', details({ ...succeeded(minute(5)), state: 'partial' }, [], items))?.run;
  assert.deepEqual([run?.failures.length, run?.failuresLeftOut], [100, 150]);
});

test('what was cancelled, skipped or is not over is told to nobody', () => {
  for (const state of ['cancelled', 'skipped'])
    assert.equal(endOf('nightly', details({ ...succeeded(minute(5)), state })), undefined);
  assert.equal(endOf('nightly', details({ state: 'running' })), undefined);
});
