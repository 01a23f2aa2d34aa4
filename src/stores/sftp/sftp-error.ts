// What a status of the SFTP protocol means for whoever keeps backups there.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { longestSaid } from '../answer-size.ts';
import { onlyReads } from '../meaning.ts';

/** Status codes of the protocol, version 3 (draft-ietf-secsh-filexfer-02, section 7). */
export const sftpStatus = {
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  unsupported: 8,
} as const;

/** True when the server answered with this status. */
export const hasStatus = (error: unknown, status: number): boolean =>
  error instanceof Error && 'code' in error && error.code === status;

/** The store's error for a failed call on one of its files. */
export const sftpError = (cause: unknown, doing: string, location: string, key: string): HoldfastError => {
  if (cause instanceof HoldfastError) return cause;
  const message = `${location}: cannot ${doing} ${key}: ${messageOf(cause).slice(0, longestSaid)}`;
  if (hasStatus(cause, sftpStatus.permissionDenied))
    return new HoldfastError('STORE_DENIED', message, {
      cause,
      hint: onlyReads(doing)
        ? 'let the user of the connection read it on the server'
        : 'let the user of the connection write in that folder on the server',
    });
  if (hasStatus(cause, sftpStatus.noSuchFile))
    return new HoldfastError('STORE_DENIED', message, {
      cause,
      hint: 'the folder cannot be made there: check its path as that user sees it (chroot)',
    });
  return new HoldfastError('STORE_UNREACHABLE', message, {
    cause,
    hint: 'see what the server logs; a disk or quota that is full shows as a failure too',
  });
};

/** The error for a disk on the server that has no room for an object. */
export const serverFull = (cause: unknown, location: string, key: string): HoldfastError =>
  new HoldfastError('STORE_FULL', `${location}: no room for ${key}`, {
    cause,
    hint: 'make room on the server; what is stored stays whole, and the next run goes on from it',
  });
