import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowBudget } from './row-budget.ts';

test('as many lines as there is room for are let in, first come, first served', async () => {
  const budget = new RowBudget(100);
  const order: string[] = [];
  const take = async (name: string, lines: number) => {
    const taken = await budget.take(lines);
    order.push(name);
    return taken;
  };
  const [small, other] = [await take('small', 40), await take('other', 40)];
  const waiting = [take('huge', 1e9), take('late', 1)];
  await new Promise(setImmediate);
  assert.deepEqual(order, ['small', 'other']);
  small.release();
  await new Promise(setImmediate);
  assert.deepEqual(order, ['small', 'other']);
  other.release();
  const huge = await waiting[0];
  assert.deepEqual(order, ['small', 'other', 'huge']);
  huge?.release();
  await waiting[1];
  assert.deepEqual(order, ['small', 'other', 'huge', 'late']);
});
