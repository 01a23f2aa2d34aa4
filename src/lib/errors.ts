// Every failure Holdfast reports: its code, the exit status it ends with, and who may go on after it.
import { constants } from 'node:os';

interface ErrorKind {
  /** The process's exit status when this error ends a command. */
  readonly status: number;
  /** True when the same call may succeed if it is made again. */
  readonly retry?: true;
  /** True when it concerns one item only: the rest of the source can still be backed up. */
  readonly item?: true;
}

export const errorKinds = {
  FAILED: { status: 1 },
  UNSUPPORTED: { status: 1 },
  USAGE: { status: 2 },
  CONFIG_INVALID: { status: 2 },
  DIFFERENCE_FOUND: { status: 4 },
  REPOSITORY_MISSING: { status: 10 },
  REPOSITORY_EXISTS: { status: 1 },
  REPOSITORY_LOCKED: { status: 11 },
  REPOSITORY_DAMAGED: { status: 1 },
  WRONG_PASSWORD: { status: 12 },
  SNAPSHOT_UNKNOWN: { status: 1 },
  PATH_UNKNOWN: { status: 1 },
  PATH_UNSAFE: { status: 1, item: true },
  SOURCE_UNREACHABLE: { status: 13 },
  SOURCE_DENIED: { status: 13 },
  /** One file, table or collection could not be read. */
  ITEM_UNREADABLE: { status: 3, item: true },
  /** One file, table or collection changed its shape or went away while it was read. */
  ITEM_CHANGED: { status: 3, item: true },
  STORE_UNREACHABLE: { status: 14, retry: true },
  STORE_DENIED: { status: 14 },
  STORE_FULL: { status: 14 },
  /** The store has no object of that name. */
  OBJECT_MISSING: { status: 14 },
  TARGET_NOT_EMPTY: { status: 15 },
  TARGET_FAILED: { status: 1 },
  /** What was stored is whole, and so unlike what was stored before that something must be wrong. */
  SUSPICIOUS: { status: 3 },
  NOTIFIER_UNREACHABLE: { status: 1, retry: true },
  NOTIFIER_REFUSED: { status: 1 },
  CANCELLED: { status: 130 },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** A code from a record; one that this version does not know is FAILED. */
export const errorCode = (word: string): ErrorCode =>
  (Object.keys(errorKinds) as ErrorCode[]).find((code) => code === word) ?? 'FAILED';

interface ErrorDetails {
  /** What the reader can do about it, as an instruction. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class: what failed and on what (message), what to do next (hint), and what lay beneath (cause). */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}

/** The exit status for anything thrown: the code's own, or 1 for what nobody foresaw. */
export const exitStatus = (error: unknown): number =>
  error instanceof HoldfastError ? error.kind.status : 1;

/** Anything thrown, as an Error. */
export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));

/** The message of anything thrown, in one line. */
export const messageOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const named = namedHere(error);
  return (named ? text.replace(unnamed, `${named.code}: ${named.text}`) : text).replaceAll(/\s*\n\s*/g, ' ');
};

/** What to do about anything thrown; undefined where it does not say. */
export const hintOf = (error: unknown): string | undefined =>
  error instanceof HoldfastError ? error.hint : undefined;

/** True when the error is a HoldfastError of one of these codes. */
export const hasCode = (error: unknown, ...codes: readonly ErrorCode[]): error is HoldfastError =>
  error instanceof HoldfastError && codes.includes(error.code);

/** The system's code of a Node error ('ENOENT'), or undefined. */
export const systemCode = (error: unknown): string | undefined => {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return namedHere(error)?.code ?? (typeof code === 'string' ? code : undefined);
};

/** How Node calls, in codes and messages, what it has no name for. */
const unnamed = /UNKNOWN: unknown error|Unknown system error -\d+(: Unknown system error -\d+)?/;

const { EDQUOT, ESTALE, EBADMSG } = constants.errno;
/** Errors of file systems that Node has no name for, by their numbers; those that it does not even number, as Linux does. */
const names: ReadonlyMap<number, { readonly code: string; readonly text: string }> = new Map([
  [EDQUOT, { code: 'EDQUOT', text: 'disk quota exceeded' }],
  [ESTALE, { code: 'ESTALE', text: 'stale file handle' }],
  [EBADMSG, { code: 'EBADMSG', text: 'bad message: the file system is damaged' }],
  [117, { code: 'EUCLEAN', text: 'the file system is damaged and needs a check' }],
  [123, { code: 'ENOMEDIUM', text: 'no medium found' }],
  [126, { code: 'ENOKEY', text: 'the key it is encrypted with is not available' }],
]);

const namedHere = (error: unknown) =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' && unnamed.test(error.message)
    ? names.get(-error.errno)
    : undefined;
