import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Trouble } from '#catalog/notice.ts';
import type { Occasion, Subscription } from '#config/notify.ts';
import type { NoticeEvent } from '#notifiers/notice.ts';
import { eventFor, type Occurrence, type Standing, titleOf } from './rules.ts';

const at = (hours: number): Date => new Date(Date.UTC(2026, 10, 21, hours));
const trouble: Trouble = {
  id: 't1',
  subject: 'job nightly',
  event: 'failure',
  text: 'no server',
  since: at(0),
  last: at(0),
  runs: 1,
};
const standing = (event: Occurrence['event'], hours = 0, known: Trouble | undefined = trouble): Standing => ({
  occurrence: { subject: 'job nightly', name: 'nightly', event, text: 'no server', paragraphs: [] },
  trouble: known,
  now: at(hours),
});
const rule = (...when: readonly Occasion[]): Subscription => ({
  to: 'ops',
  remind: '12h',
  at: '07:00',
  ...(when.length > 0 && { when }),
});
const told = (event: NoticeEvent, hours: number) => ({
  at: at(hours),
  notifier: 'ops',
  event,
  title: '',
  attempts: 1,
});
const all = ['start', 'success', 'partial', 'suspicious', 'failure', 'missed', 'trouble'] as const;

test('each occasion is told to those who asked for it', () => {
  const heard = (subscription: Subscription, watches = false): string[] =>
    all.filter(
      (event) => eventFor(subscription, watches, standing(event, 0, undefined), undefined) !== undefined,
    );
  assert.deepEqual(heard(rule()), ['partial', 'suspicious', 'failure', 'missed', 'trouble']);
  assert.deepEqual(heard(rule('failure')), ['failure', 'trouble']);
  assert.deepEqual(heard(rule('partial', 'missed')), ['partial', 'missed']);
  assert.deepEqual(heard(rule('recovery')), []);
  assert.deepEqual(heard(rule('digest')), []);
  assert.deepEqual(heard(rule('always')), all);
  assert.deepEqual(heard(rule(), true), all, 'a monitor is told of everything');
  assert.deepEqual(heard(rule('failure'), true), ['failure', 'trouble'], 'unless the file says otherwise');
});

test('a trouble that goes on is told again after a while, or at once when it becomes another', () => {
  const event = (hours: number, now: 'failure' | 'partial' = 'failure') =>
    eventFor(rule(), false, standing(now, hours), told('failure', 0));
  assert.deepEqual([event(1), event(11), event(12)], [undefined, undefined, 'failure']);
  assert.equal(event(1, 'partial'), 'partial');
  assert.equal(eventFor(rule('always'), false, standing('failure', 1), told('failure', 0)), 'failure');
});

test('that it is well again is told to whoever heard that it was not', () => {
  const event = (subscription: Subscription, heard: boolean, known: Trouble | undefined = trouble) =>
    eventFor(subscription, false, standing('success', 1, known), heard ? told('failure', 0) : undefined);
  assert.equal(event(rule(), true), 'recovery');
  assert.equal(event(rule(), false), undefined);
  assert.equal(event(rule('failure'), true), undefined);
  assert.equal(event(rule('always'), false), 'recovery');
  const wellBefore = { ...standing('success'), trouble: undefined };
  assert.equal(eventFor(rule('always'), false, wellBefore, undefined), 'success');
  assert.equal(eventFor(rule(), false, wellBefore, undefined), undefined);
});

test('the title says it all, and for how long', () => {
  assert.equal(titleOf(standing('failure', 0, undefined)), 'nightly failed: no server');
  assert.match(
    titleOf(standing('failure', 9, { ...trouble, runs: 7 })),
    /^nightly still fails, since 2026-11-\d\d \d\d:00:00, 7 runs: no server$/,
  );
  assert.match(
    titleOf(standing('success', 9, { ...trouble, runs: 7 })),
    /^nightly is well again; it was not since .*, 7 runs$/,
  );
});
