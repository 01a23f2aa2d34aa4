import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { type ChangesState, type Have, planReceipt, type State } from './plan.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 0, minute));
const whole = (minute: number): State => ({ takenAt: at(minute), settledAt: at(minute) });
const changes = (from: number, minute: number): ChangesState => ({ ...whole(minute), from: at(from) });
const have = (minute: number, base: number): Have => ({ ...whole(minute), base: whole(base) });
const minutes = (states: readonly State[]): number[] => states.map(({ takenAt }) => takenAt.getUTCMinutes());

test('nothing happens before a complete state has come', () => {
  assert.deepEqual(planReceipt(undefined, [], [changes(0, 10)]), { changes: [], gap: false });
});

test('the newest changes that fit are applied, and those that they contain are passed over', () => {
  const plan = planReceipt(have(10, 0), [], [changes(5, 15), changes(10, 20), changes(15, 25)]);
  assert.deepEqual(minutes(plan.changes), [20, 25]);
});

test('changes that came late, or twice, are stale', () => {
  assert.deepEqual(planReceipt(have(20, 0), [], [changes(5, 15), changes(10, 20)]).changes, []);
});

test('changes after a gap wait for those before them', () => {
  const plan = planReceipt(have(10, 0), [], [changes(15, 25)]);
  assert.deepEqual([plan.changes, plan.gap], [[], true]);
  assert.deepEqual(
    minutes(planReceipt(have(10, 0), [], [changes(15, 25), changes(8, 18)]).changes),
    [18, 25],
  );
});

test('changes that may lack what was committed late are not applied', () => {
  const late: Have = { ...have(10, 0), settledAt: at(4) };
  assert.equal(planReceipt(late, [], [changes(5, 15)]).gap, true);
  assert.equal(planReceipt(late, [], [changes(4, 15)]).gap, false);
});

test('a complete state that is older than what readers see waits until changes lead from it to something newer', () => {
  const own = have(20, 0);
  assert.equal(planReceipt(own, [whole(15)], []).whole, undefined);
  const plan = planReceipt(own, [whole(15)], [changes(12, 22)]);
  assert.deepEqual([plan.whole && minutes([plan.whole]), minutes(plan.changes)], [[15], [22]]);
});

test('whatever comes in whatever order, readers never go back, and miss no change', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 300; round += 1) {
    const wholes = [0, 20, 40].map(whole);
    const partial = Array.from({ length: 12 }, (_, index) => changes(index * 5 - 7, index * 5));
    let own: Have | undefined;
    for (let step = 0; step < 30; step += 1) {
      const arrived = <Item>(items: readonly Item[]): Item[] => items.filter(() => random.chance(0.3));
      const plan = planReceipt(own, arrived(wholes).slice(-1), arrived(partial));
      const before = own?.takenAt ?? at(0);
      let now: State | undefined = plan.whole ?? own;
      for (const change of plan.changes) {
        assert.ok(now && change.from <= now.settledAt, 'a change without those before it');
        now = change;
      }
      if (now === undefined) continue;
      assert.ok(now.takenAt >= before, 'readers go back');
      own = { ...now, base: plan.whole ?? own?.base ?? now };
    }
  }
});
