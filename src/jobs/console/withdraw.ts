// The console takes orders back that their site has not taken yet.
import type { GivenOrder } from '#catalog/orders.ts';
import type { ConsoleConfig } from '#config/console.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { openPlainStore } from '../plain-store.ts';
import { orderKey, ordersFolder } from './place.ts';
import type { LookContext } from './sites.ts';

export interface Withdrawing {
  readonly site: string;
  /** All of this site. */
  readonly orders: readonly GivenOrder[];
  /** Called for each that lay in the store, when it is removed. */
  readonly onWithdrawn: (order: GivenOrder) => void;
}

/**
 * Removes those that lie in the store, and returns where that is. The site that has read one and not yet removed it runs it all the
 * same: a store cannot tell two who remove an object which of them came first.
 */
export const withdrawOrders = async (
  { site, orders, onWithdrawn }: Withdrawing,
  { bulletins }: ConsoleConfig,
  context: LookContext,
): Promise<string> => {
  await using store = await openPlainStore('orders', bulletins, context);
  const byKey = new Map(orders.map((order) => [orderKey(site, order), order]));
  const waiting: GivenOrder[] = [];
  for await (const { key } of store.list(ordersFolder(site))) {
    const order = byKey.get(key);
    if (order) waiting.push(order);
  }
  await forEachLimit(waiting, store.connections, async (order) => {
    await store.delete(orderKey(site, order));
    onWithdrawn(order);
  });
  return store.location;
};
