// Errors as one thread can hand them on to another.
import { type ErrorCode, HoldfastError, messageOf } from './errors.ts';

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export const plainError = (error: unknown): PlainError =>
  error instanceof HoldfastError
    ? { code: error.code, message: error.message, hint: error.hint }
    : { code: 'FAILED', message: messageOf(error), hint: undefined };

export const errorOf = ({ code, message, hint }: PlainError): HoldfastError =>
  new HoldfastError(code, message, { hint });
