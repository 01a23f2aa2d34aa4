// Stores that a job holds against each other: what is said to be a copy must not be the original itself.
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { systemCode } from '#lib/errors.ts';
import { slashed } from '#lib/file-name.ts';
import type { StoreConfig } from './registry.ts';

/** A store, or a folder. */
type Located = Pick<StoreConfig, 'location'>;

/** How one store lies to another; undefined when they are apart, or nothing tells. */
export const whereIn = (inner: Located, outer: Located): 'the same place' | 'in it' | undefined => {
  const [place, other] = [placeOf(inner), placeOf(outer)];
  if (place === undefined || other === undefined || !`${place}/`.startsWith(`${other}/`)) return undefined;
  return place === other ? 'the same place' : 'in it';
};

const placeOf = ({ location }: Located): string | undefined => {
  if (location === undefined) return undefined;
  return (isAbsolute(location) ? slashed(realFolder(location)) : location).replace(/\/+$/, '');
};

/** A local folder without the links that lead to it, as far as it is there. */
const realFolder = (path: string): string => {
  try {
    return realpathSync(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || path === dirname(path)) return path;
    return join(realFolder(dirname(path)), basename(path));
  }
};
