// Where bulletins lie in the store: '<site>/<when it was made>.age'; and orders: '<site>/orders/<when it was given>-<id>.order'.
import { namePattern } from '#config/names.ts';

export interface BulletinKey {
  readonly key: string;
  readonly site: string;
  readonly at: Date;
}

/** 'north/20261121T033000.000Z.age': names in the order of their times, fit for every file system. */
export const bulletinKey = (site: string, at: Date): string => `${site}/${stamp(at)}.age`;

const stamp = (at: Date): string => at.toISOString().replaceAll(/[-:]/g, '');

/** Undefined for what is no bulletin. */
export const parseKey = (key: string): BulletinKey | undefined => {
  const [, site = '', year, month, day, hour, minute, second] =
    /^([^/]+)\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3})Z\.age$/.exec(key) ?? [];
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // A time that there is not, such as 30 February, is written in another way.
  if (!namePattern.test(site) || Number.isNaN(at.getTime()) || bulletinKey(site, at) !== key)
    return undefined;
  return { key, site, at };
};

/** Where the orders for a site lie, and nothing else. */
export const ordersFolder = (site: string): string => `${site}/orders/`;

interface Named {
  readonly at: Date;
  readonly id: string;
}

export const orderKey = (site: string, order: Named): string =>
  `${ordersFolder(site)}${orderName(order)}.order`;

/** '20261121T033000.000Z-8c1f…'. */
export const orderName = ({ at, id }: Named): string => `${stamp(at)}-${id}`;

/** The same of the key of an order; undefined for what is none. */
export const orderNameIn = (key: string): string | undefined =>
  /\/orders\/(\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{16})\.order$/.exec(key)?.[1];

/** Clocks of machines that are well are no further apart. */
export const clockToleranceMs = 10 * 60_000;
