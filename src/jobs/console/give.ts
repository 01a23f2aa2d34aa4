// The console gives a site an order: into the store that the bulletins come through.
import { lchown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConsoleConfig } from '#config/console.ts';
import type { Secret } from '#lib/secret.ts';
import { localFolderOf, type Store } from '#stores/store.ts';
import { openPlainStore } from '../plain-store.ts';
import { type Order, writeOrder } from './order.ts';
import { orderKey, ordersFolder } from './place.ts';
import type { LookContext } from './sites.ts';

export interface Given {
  readonly location: string;
  readonly key: string;
}

/** Puts it where its site looks for orders. */
export const giveOrder = async (
  order: Order,
  key: Secret,
  { bulletins }: ConsoleConfig,
  context: LookContext,
): Promise<Given> => {
  await using store = await openPlainStore('orders', bulletins, context);
  const place = orderKey(order.site, order);
  await store.put(place, writeOrder(order, key));
  await handOver(store, place, order.site);
  return { location: store.location, key: place };
};

/** What root puts into a folder, root alone could read: it belongs to whom the site's folder belongs. */
const handOver = async (store: Store, key: string, site: string): Promise<void> => {
  const folder = localFolderOf(store);
  if (folder === undefined || process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(join(folder, site));
  await lchown(join(folder, ordersFolder(site)), uid, gid);
  await lchown(join(folder, key), uid, gid);
};
