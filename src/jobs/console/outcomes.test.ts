import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ordersOf, type ToldOrder } from './outcomes.ts';
import { orderName } from './place.ts';

const hour = (n: number): Date => new Date(Date.UTC(2026, 10, 21, n));
const given = (n: number) => ({
  id: `${n}`,
  site: 'north',
  at: hour(n),
  until: hour(n + 24),
  jobs: ['nightly'],
});
const told = (n: number): ToldOrder => ({
  ...{ id: `${n}`, at: hour(n), jobs: ['nightly'], takenAt: hour(n + 1), state: 'succeeded', runs: [] },
});
const stranger = (n: number): ToldOrder => ({
  ...{ id: `stranger ${n}`, jobs: [], takenAt: hour(n), state: 'refused', why: 'it is forged', runs: [] },
});
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const statesOf = (...all: Parameters<typeof ordersOf>): string[] =>
  ordersOf(...all).map(({ id, state }) => `${id} ${state}`);

test('what was given is waiting while it lies there, gone when it does not, and expired in time', () => {
  const orders = [given(3), given(2), given(1)];
  assert.deepEqual(
    statesOf([], orders, ({ id }) => id !== '2', hour(26)),
    ['3 waiting', '2 expired', '1 expired'],
  );
  assert.deepEqual(
    statesOf([told(3)], orders, ({ id }) => id === '1', hour(5)),
    ['3 succeeded', '2 gone', '1 waiting'],
  );
});

test('an old order of which the site tells no more is not taken for one that was lost', () => {
  const lately = numbers(50).slice(-20).map(told);
  const states = statesOf(lately, numbers(50).map(given), () => false, hour(100));
  assert.deepEqual(states.slice(0, 2), ['49 succeeded', '48 succeeded']);
  assert.deepEqual([states.length, states.every((one) => one.endsWith(' succeeded'))], [10, true]);
});

test('a site that tells of very much that was no order hides none', () => {
  const states = statesOf([...numbers(4000).map(stranger), told(1)], [given(2)], () => true, hour(3));
  assert.deepEqual(states.slice(0, 3), ['2 waiting', '1 succeeded', 'stranger 0 refused']);
  assert.equal(states.length, 12);
});

test('what was given and is no order to the site is refused, and shown once', () => {
  const forged = { ...stranger(4), id: orderName(given(3)) };
  const [refused, ...others] = ordersOf([forged, stranger(2)], [given(3)], () => false, hour(5));
  assert.deepEqual({ ...refused }, { ...forged, id: '3', at: hour(3), jobs: ['nightly'] });
  assert.deepEqual(
    others.map(({ id }) => id),
    ['stranger 2'],
  );
});

test('an order that was taken and put back keeps its outcome', () => {
  const back = { ...stranger(4), id: orderName(given(3)) };
  assert.deepEqual(
    statesOf([told(3), back], [given(3)], () => false, hour(5)),
    ['3 succeeded', `${orderName(given(3))} refused`],
  );
});
