// What the system says of a failure, without the path it was told: that may be one of ours nobody knows.
import { messageOf } from '#lib/errors.ts';

/** 'EACCES: permission denied' */
export const reasonOf = (error: unknown): string =>
  error instanceof Error && 'syscall' in error
    ? messageOf(error).replace(/, [a-z_]+( '.*)?$/s, '')
    : messageOf(error);
