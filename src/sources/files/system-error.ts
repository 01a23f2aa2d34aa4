// What the system says of a failure, without the path it was told: that may be one of ours nobody knows; and what to do about it.
import { messageOf, systemCode } from '#lib/errors.ts';
import { fileLimitHint } from '#lib/file-limit.ts';

/** 'EACCES: permission denied' */
export const reasonOf = (error: unknown): string =>
  error instanceof Error && 'syscall' in error
    ? messageOf(error).replace(/, [a-z_]+( '.*)?$/s, '')
    : messageOf(error);

/** For what could not be read. */
export const readingHint = (error: unknown): string => {
  if (['EMFILE', 'ENFILE'].includes(systemCode(error) ?? '')) return fileLimitHint;
  return diskHint(error) ?? 'run as a user who may read it, or exclude it';
};

/** Undefined where the disk is not at fault. */
export const diskHint = (error: unknown): string | undefined =>
  ofDisks.has(systemCode(error) ?? '') ? 'check the disk or the mount (`dmesg`, `mount`)' : undefined;

/** ENODATA is what Linux makes of a sector that cannot be read, ENOTCONN what is left of a FUSE mount whose program has ended. */
const ofDisks: ReadonlySet<string> = new Set([
  'EIO',
  'ESTALE',
  'EUCLEAN',
  'EBADMSG',
  'ENODATA',
  'ENODEV',
  'ENOMEDIUM',
  'ENOTCONN',
  'ENXIO',
  'EREMOTEIO',
  'ETIMEDOUT',
]);
