// What the disk did not keep.
import { HoldfastError } from '#lib/errors.ts';

/** Of a sync that failed. A second attempt would succeed, and mean nothing: a system tells once that it has lost what was written. */
export const notKept = (error: HoldfastError, hint = error.hint): HoldfastError =>
  error.code === 'STORE_UNREACHABLE'
    ? new HoldfastError('STORE_DENIED', error.message, { cause: error, hint })
    : error;
