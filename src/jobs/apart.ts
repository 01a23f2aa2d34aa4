// Two stores of a job, where one must not lie in the other.
import { HoldfastError } from '#lib/errors.ts';
import { whereIn } from '#stores/apart.ts';
import type { StoreConfig } from '#stores/registry.ts';

/** CONFIG_INVALID when `inner` is `outer`, or a folder in it; `what` says why that cannot be. A link may have been laid since the file was read. */
export const assertApart = (inner: StoreConfig, outer: StoreConfig, what: string): void => {
  const where = whereIn(inner, outer);
  if (where === undefined) return;
  throw new HoldfastError('CONFIG_INVALID', `${what}, and ${inner.location} is ${where}`, {
    hint: 'name another place',
  });
};
