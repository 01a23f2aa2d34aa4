// What it means for whoever keeps backups on a server that a call got no answer.
import { type ErrorCode, HoldfastError, messageOf, systemCode } from '#lib/errors.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly hint: string;
}

/** The store's error; `what` begins the message: 'https://vault/: cannot list keys'. */
export const unansweredError = (what: string, cause: unknown): HoldfastError => {
  const { code, hint } = isUntrusted(cause) ? unknownCertificate : unreachable;
  return new HoldfastError(code, `${what}: ${messageOf(cause)}`, { cause, hint });
};

/** Whether it failed because the server's certificate cannot be trusted, which no retry mends. */
export const isUntrusted = (cause: unknown): boolean => untrusted.test(systemCode(cause) ?? '');

/** OpenSSL's and Node's names for such certificates. */
const untrusted = /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

const unreachable: Meaning = {
  code: 'STORE_UNREACHABLE',
  hint: 'check the address (http or https, host, port), the line and the server, and try again',
};
const unknownCertificate: Meaning = {
  code: 'STORE_DENIED',
  hint: 'set `ca` to a file with the certificate of the server, or of who issued it',
};
