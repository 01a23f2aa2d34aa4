// What an error of a store's own kind is to the rest of Holdfast, and what its reader can do about it.
import type { ErrorCode } from '#lib/errors.ts';

/** Whether what is done to an object changes nothing: where it is denied, another right is lacking. */
export const onlyReads = (doing: string): boolean => ['read', 'list', 'look at'].includes(doing);

export interface Meaning {
  readonly code: ErrorCode;
  readonly hint: string;
}
