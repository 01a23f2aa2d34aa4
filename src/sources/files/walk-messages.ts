// What the thread that walks is given, and what it tells.
import type { PlainError } from '#lib/plain-error.ts';
import type { EntryMeta } from '../source.ts';
import type { FilesConfig } from './options.ts';
import type { Moved } from './places.ts';

export interface WalkRequest {
  readonly config: FilesConfig;
  /** What of it is read from snapshots of its file systems. */
  readonly moved: readonly Moved[];
  /** False where the thread must not read them, though its own configuration would. */
  readonly withXattrs: boolean;
  /** One 32-bit number: how many records were taken so far. */
  readonly taken: SharedArrayBuffer;
}

export type WalkReply =
  /** The first, unless it fails: only from then on may the thread be ended. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'records'; readonly records: Records }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly words: LogWords }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'done' };

/** What a line of the log is made of. */
export type LogWords = readonly [fields: object, text: string];

/** Many entries as a few flat pieces of memory, which cost next to nothing to hand on. */
export interface Records {
  /** Each ends with '\0', which no path has. */
  readonly paths: string;
  /** For each entry the numbers that every entry has. */
  readonly fields: ArrayBuffer;
  /** What few entries have, by their place among the others, ascending. */
  readonly extras: readonly (readonly [at: number, extra: Extra])[];
}

export interface Extra
  extends Pick<EntryMeta, 'linkTarget' | 'device' | 'xattrs' | 'mtime' | 'atime' | 'ctime'> {
  readonly failed?: PlainError;
}
