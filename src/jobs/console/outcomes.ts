// What became of orders: as a site tells it, and as the console sees it.
import type { Catalog } from '#catalog/catalog.ts';
import type { GivenOrder, OrderRecord } from '#catalog/orders.ts';
import type { Run } from '#catalog/run.ts';
import type { OrdersConfig } from '#config/console.ts';
import { orderName } from './place.ts';

/** Which jobs a console may have run at a site, and what became of the last orders there. */
export interface ToldOrders {
  readonly jobs: readonly string[];
  readonly taken: readonly ToldOrder[];
}

export interface ToldOrder {
  /** Of what was no order, the name under which it lay. */
  readonly id: string;
  /** When it was given; absent for what was no order. */
  readonly at?: Date;
  readonly jobs: readonly string[];
  readonly takenAt: Date;
  /** 'running' until each of its jobs has had its run, else how the worst of them ended. */
  readonly state: 'refused' | Run['state'];
  /** Why it was refused. */
  readonly why?: string;
  readonly runs: readonly { readonly id: string; readonly job: string; readonly state: Run['state'] }[];
}

/** An order at the console. 'gone': it lies there no longer, and its site has told nothing of it yet. */
export interface SiteOrder extends Omit<ToldOrder, 'state' | 'takenAt'> {
  readonly state: ToldOrder['state'] | 'waiting' | 'gone' | 'expired';
  readonly takenAt?: Date;
}

/** A site tells of so many; of more than the console shows, so that it can tell an old one from one that was lost. */
const told = { orders: 20, others: 10 } as const;
const mostShown = 10;

export const tellOrders = ({ jobs }: OrdersConfig, { orders }: Catalog): ToldOrders => ({
  jobs,
  taken: orders.answered(told).map((record) => {
    const { refused, runs } = record;
    return {
      ...{ id: record.id, jobs: record.jobs, takenAt: record.takenAt, state: stateOf(record) },
      ...(record.at && { at: record.at }),
      ...(refused !== undefined && { why: refused }),
      runs: runs.map(({ id, job = '', state }) => ({ id, job, state })),
    };
  }),
});

const stateOf = ({ refused, jobs, runs, isUnderWay }: OrderRecord): ToldOrder['state'] => {
  if (refused !== undefined) return 'refused';
  const notBegun = isUnderWay ? 'running' : 'interrupted';
  const states = jobs.map((job) => runs.find((run) => run.job === job)?.state ?? notBegun);
  return worstFirst.find((state) => states.includes(state)) ?? 'succeeded';
};

const worstFirst = ['running', 'interrupted', 'failed', 'cancelled', 'partial', 'skipped'] as const;

/**
 * What this console gave, and what the site tells of these and others: the newest first, and then what was no order. What was
 * given and is none to the site, as when it knows another key, is told of under the name by which it lay in the store.
 */
export const ordersOf = (
  taken: readonly ToldOrder[],
  given: readonly GivenOrder[],
  isThere: (order: GivenOrder) => boolean,
  now: Date,
): SiteOrder[] => {
  const known = new Map(taken.map((one) => [one.id, one]));
  const open = given
    .filter(({ id }) => !known.has(id))
    .map((order): SiteOrder => {
      const { id, at, until, jobs } = order;
      const refused = known.get(orderName(order));
      if (refused) return { ...refused, id, at, jobs };
      const state = isThere(order) ? 'waiting' : 'gone';
      return { id, at, jobs, state: until <= now ? 'expired' : state, runs: [] };
    });
  const orders = [...open, ...taken.filter(({ at }) => at !== undefined)];
  const newest = orders.toSorted((a, b) => timeOf(b) - timeOf(a)).slice(0, mostShown);
  const names = new Set(given.filter(({ id }) => !known.has(id)).map(orderName));
  const others = taken.filter(({ id, at }) => at === undefined && !names.has(id));
  return [...newest, ...others.slice(0, mostShown)];
};

const timeOf = ({ at }: SiteOrder): number => at?.getTime() ?? 0;
