// A site takes the orders that lie in its folder: each once, and only what a console that it trusts asks of it, and it allows.
import type { Catalog } from '#catalog/catalog.ts';
import type { AnsweredOrder } from '#catalog/orders.ts';
import type { Config } from '#config/config.ts';
import type { OrdersConfig } from '#config/console.ts';
import { forEachLimit, mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { formatBytes, formatTime, plural, printable } from '#lib/format.ts';
import type { Store, StoredObject } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { openPlainStore } from '../plain-store.ts';
import { inAHurry } from './hurry.ts';
import { mostOrderBytes, type Order, readOrder } from './order.ts';
import { clockToleranceMs, orderKey, orderNameIn, ordersFolder } from './place.ts';

export interface Taken {
  readonly location: string;
  /** In the order in which they were given. */
  readonly orders: readonly Order[];
  readonly refused: readonly AnsweredOrder[];
}

/** Of so many it is seen at once what they are; of more, the next time. */
const mostLooked = 10_000;
/** Of so many that are refused it is said why. */
const mostTold = 20;

/**
 * Takes what may be taken, so that it is never taken again, whatever becomes of this process; refuses the others, and removes them all.
 * What is wrong with one is a warning. Throws, and has taken none, when the store cannot be looked at.
 */
export const takeOrders = (config: Config, catalog: Catalog, context: JobContext): Promise<Taken> =>
  inAHurry(context, (hurried) => take(config, catalog, hurried));

const take = async (config: Config, catalog: Catalog, context: JobContext): Promise<Taken> => {
  const { site, bulletins, orders: allowed } = takenBy(config);
  await using store = await openPlainStore('orders', bulletins.to, context);
  const found = await lookAtOrders(store, site, allowed, context);
  const answers = found.toSorted(byName).map(judge(config, allowed, catalog, context.clock.now()));
  const added = new Set(catalog.orders.answer(answers.map(({ answer }) => answer)));
  const fresh = answers.filter(({ answer }) => added.has(answer));
  const refused = fresh.map(({ answer }) => answer).filter((answer) => answer.refused !== undefined);
  warnOfRefused(refused, context);
  await remove(store, found, context);
  const orders = fresh.flatMap(({ order }) => order ?? []);
  return { location: store.location, orders, refused };
};

const takenBy = ({ file, site, bulletins, orders }: Config) => {
  if (site !== undefined && bulletins !== undefined && orders !== undefined)
    return { site, bulletins, orders };
  throw new HoldfastError('CONFIG_INVALID', `${file} has no "orders"`, {
    hint: 'it says who may have which jobs run here: see docs/console.md',
  });
};

/** What lies in the folder under the name of an order: one, or why it is none. */
interface Found {
  readonly key: string;
  readonly name: string;
  readonly what: Order | string;
}

const lookAtOrders = async (
  store: Store,
  site: string,
  { from }: OrdersConfig,
  context: JobContext,
): Promise<Found[]> => {
  const objects = await objectsIn(store, site);
  const found: Found[] = [];
  const look = async ({ key, size }: StoredObject): Promise<Found | undefined> => {
    const name = orderNameIn(key) ?? '';
    const tooLarge = `it has ${formatBytes(size)}, more than any order has`;
    if (size > mostOrderBytes) return { key, name, what: tooLarge };
    const bytes = size === 0 ? Buffer.of() : await read(store, { key, size }, context);
    return bytes && { key, name, what: orderIn(bytes, key, site, from) };
  };
  for await (const one of mapOrdered(objects, store.connections, look)) if (one) found.push(one);
  return found;
};

/** What bears another name is left alone; doctor tells of it. */
const objectsIn = async (store: Store, site: string): Promise<StoredObject[]> => {
  const objects: StoredObject[] = [];
  for await (const object of store.list(ordersFolder(site))) {
    if (orderNameIn(object.key) !== undefined) objects.push(object);
    if (objects.length >= mostLooked) break;
  }
  return objects;
};

/** Undefined for what cannot be read now, and so stays where it is. */
const read = async (
  store: Store,
  { key, size }: StoredObject,
  { onEvent }: JobContext,
): Promise<Uint8Array | undefined> => {
  try {
    return await store.get(key, { offset: 0, length: size });
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return undefined;
    if (!hasCode(error, 'STORE_DENIED')) throw error;
    const text = `one cannot be read, and stays where it is: ${messageOf(error)}`;
    onEvent({ type: 'warning', subject: 'orders', text });
    return undefined;
  }
};

/** The order, or why it is none for this site. */
const orderIn = (bytes: Uint8Array, key: string, site: string, keys: readonly string[]): Order | string => {
  try {
    const order = readOrder(bytes, keys);
    if (order.site !== site) return `it is for the site "${order.site}"`;
    return orderKey(site, order) === key ? order : 'it lies under another name than its own';
  } catch (error) {
    if (hasCode(error, 'FAILED')) return printable(messageOf(error));
    throw error;
  }
};

/** Their names begin with their times. */
const byName = (a: Found, b: Found): number => (a.name < b.name ? -1 : 1);

interface Answer {
  /** When it is taken. */
  readonly order?: Order;
  readonly answer: AnsweredOrder;
}

/** For one after the other, by the times at which they were given. */
const judge = (config: Config, { jobs: allowed }: OrdersConfig, { orders }: Catalog, takenAt: Date) => {
  let newest = orders.newestTaken();
  return ({ name, what }: Found): Answer => {
    const strange = (refused: string): Answer => ({ answer: { id: name, jobs: [], takenAt, refused } });
    if (typeof what === 'string') return strange(what);
    const { id, at, jobs } = what;
    if (orders.isAnswered(id))
      return strange('it was taken or refused before: it is put back, or could not be removed');
    const refused = untimely(what, newest, takenAt) ?? notAllowed(jobs, allowed, config);
    if (refused !== undefined) return { answer: { id, at, jobs, takenAt, refused } };
    newest = at;
    return { order: what, answer: { id, at, jobs, takenAt } };
  };
};

const untimely = ({ at, until }: Order, newest: Date | undefined, now: Date): string | undefined => {
  if (at.getTime() > now.getTime() + clockToleranceMs)
    return `it is of ${formatTime(at)}, which is in the future: the clock of the console or of this site is wrong`;
  if (until <= now) return `it had expired at ${formatTime(until)}`;
  if (newest !== undefined && at < newest)
    return `one that was given after it, at ${formatTime(newest)}, has been taken already`;
  return undefined;
};

const notAllowed = (
  jobs: readonly string[],
  allowed: readonly string[],
  config: Config,
): string | undefined => {
  const job = jobs.find((one) => !allowed.includes(one));
  if (job === undefined) return undefined;
  return config.jobs.has(job) ? `"${job}" may not be ordered here` : `there is no job called "${job}" here`;
};

const warnOfRefused = (refused: readonly AnsweredOrder[], { onEvent }: JobContext): void => {
  const warn = (text: string): void => onEvent({ type: 'warning', subject: 'orders', text });
  for (const { id, refused: why } of refused.slice(0, mostTold)) warn(`${id} is refused: ${why}`);
  if (refused.length > mostTold) warn(`${refused.length - mostTold} more are refused`);
};

/** One that stays is not taken again, so that is a warning, and keeps nothing from being run. */
const remove = async (store: Store, found: readonly Found[], { onEvent }: JobContext): Promise<void> => {
  const errors: unknown[] = [];
  await forEachLimit(found, store.connections, async ({ key }) => {
    try {
      await store.delete(key);
    } catch (error) {
      errors.push(error);
    }
  });
  const text = `${plural(errors.length, 'order')} cannot be removed: ${messageOf(errors[0])}`;
  if (errors.length > 0) onEvent({ type: 'warning', subject: 'orders', text });
};
