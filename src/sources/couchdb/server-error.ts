// What a server's refusals mean, and which of them pass by themselves.
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import type { Answer } from './http.ts';
import { BrokenJson } from './json-scan.ts';

/** A failure after which the same request may succeed. */
class PassingError extends Error {
  override readonly name = 'PassingError';
  /** How long the server asks to wait. */
  readonly waitMs: number | undefined;

  constructor(message: string, waitMs?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.waitMs = waitMs;
  }
}

/** More than the server takes: its settings say how much, and nothing of what it was. */
class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

export const saysNothing = (error: unknown): boolean => error instanceof TooLarge;

/** True for a refusal that passes, for a connection that failed or broke off, and for an answer that ends too early. */
export const isPassing = (error: unknown): error is Error & { readonly waitMs?: number | undefined } =>
  error instanceof PassingError ||
  error instanceof BrokenJson ||
  error instanceof SyntaxError ||
  (error instanceof Error && !(error instanceof HoldfastError) && isNetworkError(error));

/** Node's codes for connections that were refused, lost or silent, and for bodies that broke off. */
const isNetworkError = (error: Error): boolean =>
  /^(E(?!RR_)[A-Z_]+|HPE_[A-Z_]+|ERR_STREAM_PREMATURE_CLOSE)$/.test(systemCode(error) ?? '') ||
  /^aborted|socket hang up|was silent/.test(error.message);

/** OpenSSL's and Node's codes for a certificate or a handshake that was refused. */
const isTlsProblem = (error: Error): boolean =>
  /CERT|SIGNATURE|ISSUER|SSL|TLS|ALTNAME/.test(systemCode(error) ?? '');

/** The error for what neither passes nor is a refusal. */
export const failureOf = (error: unknown, doing: string, server: string): unknown =>
  error instanceof Error && isTlsProblem(error) ? unreachable(error, doing, server) : error;

interface Asker {
  readonly server: string;
  readonly user: string | undefined;
}

/** The error for an answer that is none. */
export const refusal = ({ status, headers, body }: Answer, doing: string, { server, user }: Asker): Error => {
  const said = reasonOf(body);
  const what = `cannot ${doing} on CouchDB at ${server}`;
  if (status === 429 || status >= 500)
    return new PassingError(`${what}: ${status} ${said}`, waitOf(headers['retry-after']));
  if (status === 401)
    return new HoldfastError('SOURCE_DENIED', `${what}: ${said}`, {
      hint:
        user === undefined
          ? 'name a user and a password'
          : /server admin/i.test(said)
            ? 'log in as a server administrator, who alone may do this'
            : `check the password of ${user}, and that ${user} is a member of the database`,
    });
  if (status === 403)
    return new HoldfastError(
      'SOURCE_DENIED',
      `${user ?? 'a user without a name'} may not ${doing} on CouchDB at ${server}: ${said}`,
      {
        hint: 'make the user a member of the database (_security), or use a server administrator',
      },
    );
  if (status === 404)
    return new HoldfastError('SOURCE_UNREACHABLE', `${what}: ${said}`, {
      hint: 'check the name of the database and the URL',
    });
  if (status === 413)
    return new HoldfastError('TARGET_FAILED', `${what}: ${said}`, {
      cause: new TooLarge(said),
      hint: 'it takes nothing this large: raise max_document_size and max_http_request_size of the server, and what a proxy before it allows',
    });
  const elsewhere = status >= 300 && status < 400 ? headers.location?.replace(/\?.*$/s, '') : undefined;
  if (elsewhere !== undefined)
    return new HoldfastError('SOURCE_UNREACHABLE', `${what}: ${status}, the answer is at ${elsewhere}`, {
      hint: 'name the URL at which CouchDB itself answers, without a page to log in before it',
    });
  return new HoldfastError('SOURCE_UNREACHABLE', `${what}: ${status} ${said}`, {
    hint: 'see the log of the server',
  });
};

/** The error when patience has ended. */
export const unreachable = (error: Error, doing: string, server: string): HoldfastError =>
  new HoldfastError(
    'SOURCE_UNREACHABLE',
    error instanceof PassingError
      ? error.message
      : `cannot ${doing} on CouchDB at ${server}: ${messageOf(error)}`,
    {
      cause: error,
      hint: isTlsProblem(error)
        ? 'the certificate of the server is not trusted: name its authority with `ca`'
        : 'check host, port, scheme and firewall, and the log of the server; then run again',
    },
  );

/** What the server says of it: {"error": …, "reason": …}. */
const reasonOf = (body: Uint8Array): string => {
  const text = Buffer.from(body).toString('utf8').trim();
  try {
    const { error, reason } = JSON.parse(text) as { error?: unknown; reason?: unknown };
    return [error, reason].filter((part) => typeof part === 'string').join(', ') || 'no reason given';
  } catch {
    return text.slice(0, 200) || 'no reason given';
  }
};

const waitOf = (retryAfter: string | undefined): number | undefined => {
  const seconds = Number(retryAfter);
  return retryAfter !== undefined && Number.isFinite(seconds) ? seconds * 1000 : undefined;
};
