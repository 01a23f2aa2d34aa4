import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnsweredOrder } from './orders.ts';
import { minute, succeeded, testCatalog } from './testing.ts';

const order = (n: number, more: Partial<AnsweredOrder> = {}): AnsweredOrder => ({
  ...{ id: `order-${n}`, at: minute(n), jobs: ['nightly'], takenAt: minute(n + 1) },
  ...more,
});
const stranger = (n: number): AnsweredOrder => ({
  ...{ id: `stranger-${n}`, jobs: [], takenAt: minute(n), refused: 'it is forged' },
});
const limits = { orders: 20, others: 10 };

test('an order is answered once, and known as it was answered first', () => {
  using here = testCatalog();
  const { orders } = here.catalog;
  assert.deepEqual(orders.answer([order(1), stranger(2)]), [order(1), stranger(2)]);
  assert.deepEqual(orders.answer([order(1, { refused: 'too late' }), order(3)]), [order(3)]);
  assert.deepEqual([orders.isAnswered('order-1'), orders.isAnswered('order-2')], [true, false]);
  const found = orders.answered(limits).map(({ runs: _, isUnderWay: __, ...one }) => one);
  assert.deepEqual(found, [order(3), order(1), stranger(2)]);
});

test('the newest that was taken is known, whatever else was refused', () => {
  using here = testCatalog();
  const { orders } = here.catalog;
  assert.equal(orders.newestTaken(), undefined);
  orders.answer([order(1), order(3), order(2), order(9, { refused: 'it is of the future' }), stranger(8)]);
  assert.deepEqual(orders.newestTaken(), minute(3));
});

test('of floods the newest are remembered, and those that were taken are not forgotten for what was refused', () => {
  using here = testCatalog();
  const { orders } = here.catalog;
  orders.answer(Array.from({ length: 150 }, (_, n) => order(n)));
  orders.answer(Array.from({ length: 150 }, (_, n) => order(n + 200, { refused: 'it may not be' })));
  orders.answer(Array.from({ length: 5000 }, (_, n) => stranger(n)));
  assert.deepEqual(orders.newestTaken(), minute(149));
  const all = orders.answered({ orders: 1000, others: 1000 });
  const count = (kind: RegExp, isRefused: boolean): number =>
    all.filter(({ id, refused }) => kind.test(id) && (refused !== undefined) === isRefused).length;
  assert.deepEqual(
    [count(/^order/, false), count(/^order/, true), count(/^stranger/, true)],
    [100, 100, 100],
  );
  assert.equal(all.find(({ id }) => id.startsWith('stranger'))?.id, 'stranger-4999');
});

test('a run says which orders asked for it, and each of these which runs it has', () => {
  using here = testCatalog();
  const { catalog } = here;
  catalog.orders.answer([order(1), order(2, { jobs: ['nightly', 'prove'] })]);
  const begin = (job: string, orders: readonly string[]): string =>
    catalog.beginRun({ job, verb: 'backup', startedAt: minute(5), orders });
  const shared = begin('nightly', ['order-1', 'order-2', 'order-forgotten']);
  const own = begin('prove', ['order-2']);
  const nobodys = begin('nightly', []);
  catalog.endRun(shared, succeeded(minute(6)));
  assert.deepEqual(catalog.run(shared).run.orders, ['order-1', 'order-2']);
  assert.equal('orders' in catalog.run(nobodys).run, false);
  const found = catalog.orders.answered(limits).map(({ id, runs }) => [id, runs.map((run) => run.id)]);
  assert.deepEqual(found, [
    ['order-2', [shared, own]],
    ['order-1', [shared]],
  ]);
});

test('what a console gave is remembered for each site until it is forgotten', () => {
  using here = testCatalog();
  const { orders } = here.catalog;
  const given = (site: string, n: number) => ({
    ...{ id: `${site}-${n}`, site, at: minute(n), until: minute(n + 60), jobs: ['nightly', 'prove'] },
  });
  for (let n = 0; n < 120; n += 1) orders.give(given('north', n));
  orders.give(given('south', 500));
  assert.deepEqual(orders.given().slice(0, 2), [given('south', 500), given('north', 119)]);
  assert.equal(orders.given().length, 101);
  orders.withdraw('north-119');
  assert.deepEqual(orders.given().slice(0, 2), [given('south', 500), given('north', 118)]);
  orders.forget('north');
  assert.deepEqual(orders.given(), [given('south', 500)]);
});
