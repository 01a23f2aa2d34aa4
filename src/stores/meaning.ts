// What an error of a store's own kind is to the rest of Holdfast, and what its reader can do about it.
import type { ErrorCode } from '#lib/errors.ts';

export interface Meaning {
  readonly code: ErrorCode;
  readonly hint: string;
}
