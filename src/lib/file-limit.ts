// Too few files may be open at once: said where a file cannot be opened, and where a thread cannot begin.
import { HoldfastError } from './errors.ts';

export const fileLimitHint = 'let it have more files open at once (`ulimit -n`, LimitNOFILE of a service)';

/** The error for a thread that ended by itself. */
export const threadEnded = (thread: string, cause: unknown): HoldfastError => {
  const reason = String(cause);
  const hint = /EMFILE|too many open files/.test(reason) ? fileLimitHint : undefined;
  return new HoldfastError('FAILED', `${thread} ended: ${reason}`, { hint, cause });
};
