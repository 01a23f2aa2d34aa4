// Stores that a job holds against each other: what is said to be a copy must not be the original itself.
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { slashed } from '#lib/file-name.ts';
import type { Store } from '#stores/store.ts';

/** CONFIG_INVALID when `inner` is `outer`, or a folder in it; `what` says why that cannot be. */
export const assertApart = (inner: Store, outer: Store, what: string): void => {
  if (!`${placeOf(inner)}/`.startsWith(`${placeOf(outer)}/`)) return;
  const where = placeOf(inner) === placeOf(outer) ? 'the same place' : 'in it';
  throw new HoldfastError('CONFIG_INVALID', `${what}, and ${inner.location} is ${where}`, {
    hint: 'name another place',
  });
};

const placeOf = ({ location }: Store): string => {
  const place = isAbsolute(location) ? slashed(realFolder(location)) : location;
  return place.replace(/\/+$/, '');
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
