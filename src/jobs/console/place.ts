// Where bulletins lie in the store: '<site>/<when it was made>.age'.
import { namePattern } from '#config/names.ts';

export interface BulletinKey {
  readonly key: string;
  readonly site: string;
  readonly at: Date;
}

/** 'north/20261121T033000.000Z.age': names in the order of their times, fit for every file system. */
export const bulletinKey = (site: string, at: Date): string =>
  `${site}/${at.toISOString().replaceAll(/[-:]/g, '')}.age`;

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

/** Clocks of machines that are well are no further apart. */
export const clockToleranceMs = 10 * 60_000;
