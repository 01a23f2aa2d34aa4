// What it means for whoever keeps backups on a server that a call got no answer.
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import type { Meaning } from './meaning.ts';

/** The store's error; `what` begins the message: 'https://vault/: cannot list keys'. */
export const unansweredError = (what: string, cause: unknown): HoldfastError => {
  const { code, hint } = isUntrusted(cause)
    ? (ofCertificates[systemCode(cause) ?? ''] ?? unknownCertificate)
    : unreachable;
  return new HoldfastError(code, `${what}: ${brokenOff(messageOf(cause))}`, { cause, hint });
};

/** The same in words, where it is Node's way to say that a connection broke. */
export const brokenOff = (said: string): string =>
  ({ aborted: 'the answer broke off', 'socket hang up': 'the connection was closed without an answer' })[
    said
  ] ?? said;

/** Whether it failed because of a certificate, the server's or one of ours, which no retry mends. */
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

/** Those that trusting another certificate does not mend. */
const ofCertificates: Readonly<Record<string, Meaning>> = {
  CERT_HAS_EXPIRED: {
    code: 'STORE_DENIED',
    hint: 'have the certificate of the server renewed, if the clock of this machine is right',
  },
  CERT_NOT_YET_VALID: {
    code: 'STORE_DENIED',
    hint: 'set the clock of this machine, or of the one that issued the certificate',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'STORE_DENIED',
    hint: 'name the server as its certificate does, or have a certificate made that has this name; if it should have it, somebody may be posing as the server',
  },
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: {
    code: 'STORE_DENIED',
    hint: 'the server wants a certificate of ours, and Holdfast shows none: let it ask for a password or a key only',
  },
};
