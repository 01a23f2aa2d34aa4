// Extended attributes (ACLs and capabilities among them), as far as this platform lets us at them.
import { HoldfastError, systemCode } from '#lib/errors.ts';
import type { EntryMeta } from '../source.ts';
import type { FilesConfig } from './options.ts';
import type { SystemCalls } from './system-calls.ts';
import { reasonOf } from './system-error.ts';

export type Xattrs = NonNullable<EntryMeta['xattrs']>;

/** Reads those of a file, without following a symlink. */
export type XattrReader = (path: string) => Xattrs | undefined;

/** Undefined where they are not to be kept, or not within reach; UNSUPPORTED where they must be. */
export const xattrReader = (
  mode: FilesConfig['xattrs'],
  calls: SystemCalls | undefined,
): XattrReader | undefined => {
  if (mode === 'required' && !calls) throw noXattrs();
  return mode === 'off' ? undefined : calls && readerBy(calls);
};

export const noXattrs = (): HoldfastError =>
  new HoldfastError('UNSUPPORTED', 'extended attributes are out of reach here, but xattrs is «required»', {
    hint: 'install the optional dependencies on 64-bit Linux, or set xattrs: auto',
  });

/** Undefined for a file without any, which is nearly every file. */
const readerBy =
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
