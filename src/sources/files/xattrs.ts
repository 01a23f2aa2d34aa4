// Extended attributes (ACLs and capabilities among them), as far as this platform lets us at them.
import { HoldfastError, systemCode } from '#lib/errors.ts';
import type { EntryMeta } from '../source.ts';
import type { SystemCalls } from './system-calls.ts';
import { reasonOf } from './system-error.ts';

export type Xattrs = NonNullable<EntryMeta['xattrs']>;

/** Reads those of a file, without following a symlink. */
export type XattrReader = (path: string) => Xattrs | undefined;

/** Undefined for a file without any, which is nearly every file. */
export const xattrReader =
  (calls: SystemCalls): XattrReader =>
  (path) => {
    const names = calls.xattrNames(path);
    if (names.length === 0) return undefined;
    return [...names].sort().flatMap((name) => {
      const value = calls.xattr(path, name);
      return value ? { name, value } : [];
    });
  };

/** Restores them through `set`; what only root may set is skipped for others, and named. */
export const setXattrs = (
  xattrs: Xattrs,
  set: (name: string, value: Uint8Array) => void,
  onDenied: (name: string) => void,
): void => {
  for (const { name, value } of xattrs) {
    try {
      set(name, value);
    } catch (cause) {
      if (['EPERM', 'ENOTSUP', 'EACCES'].includes(systemCode(cause) ?? '')) onDenied(name);
      else
        throw new HoldfastError('TARGET_FAILED', `cannot set the attribute ${name}: ${reasonOf(cause)}`, {
          cause,
        });
    }
  }
};
