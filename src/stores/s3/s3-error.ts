// What an answer of an S3 service means for whoever keeps backups there.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { longestSaid } from '../answer-size.ts';
import type { Meaning } from '../meaning.ts';
import { brokenOff, isUntrusted, unansweredError } from '../unanswered.ts';

/** The name and HTTP status of an error of the service, as far as it has them. */
export const s3Answer = (cause: unknown): { readonly name: string; readonly status: number | undefined } => {
  const name = cause instanceof Error ? cause.name : '';
  const metadata: unknown = cause instanceof Error ? Reflect.get(cause, '$metadata') : undefined;
  const status: unknown = metadata instanceof Object ? Reflect.get(metadata, 'httpStatusCode') : undefined;
  return { name, status: typeof status === 'number' ? status : undefined };
};

/** The store's error for a failed call. */
export const s3Error = (cause: unknown, doing: string, location: string): HoldfastError => {
  if (cause instanceof HoldfastError) return cause;
  if (isUntrusted(cause)) return unansweredError(`${location}: cannot ${doing}`, cause);
  const { name, status } = s3Answer(cause);
  const { code, hint } = meanings[name] ?? byStatus(isGood(status) ? undefined : status); // what it answered is cut short, or not its own
  return new HoldfastError(code, `${location}: cannot ${doing}: ${saidBy(cause)}`, { cause, hint });
};

const isGood = (status: number | undefined): boolean => status !== undefined && status >= 200 && status < 300;

/** What stands before a service answers with a page of its own, or with nothing: then the status is all there is to tell. */
const saidBy = (cause: unknown): string => {
  const { name, status } = s3Answer(cause);
  const said = messageOf(cause)
    .slice(0, longestSaid)
    .replace(/\.? *Deserialization error: .*/, ''); // which is for its programmers
  const isPage = /XML parse error|call stack/.test(said);
  if (isPage && isGood(status)) return "what it answers is none of S3's";
  if (status !== undefined && !isGood(status) && (isPage || /^Unknown(Error)?$/.test(name)))
    return `it answered ${status}`;
  if (said.startsWith('@smithy/')) return 'no answer within the time for it';
  if (['Error', 'TimeoutError'].includes(name) || said.includes(name)) return brokenOff(said);
  return said === 'UnknownError' ? name : `${said} (${name})`;
};

const wrongKey: Meaning = {
  code: 'STORE_DENIED',
  hint: 'check the access key and its secret (accessKeyId and secretAccessKey, AWS_… in the environment, or the profile)',
};
const expired: Meaning = {
  code: 'STORE_DENIED',
  hint: 'the temporary key has run out: get a new one and run again; what was uploaded is used',
};
const denied: Meaning = {
  code: 'STORE_DENIED',
  hint: 'give the key the rights to list the bucket and to get, put and (for prune and locks) delete objects in it',
};
const full: Meaning = {
  code: 'STORE_FULL',
  hint: 'raise the quota or make room; what is stored stays whole, and the next run goes on from it',
};
const wrongRegion: Meaning = { code: 'STORE_DENIED', hint: "set `region` to the bucket's region" };
const redirected: Meaning = {
  code: 'STORE_DENIED',
  hint: 'it sends us elsewhere, and no key is shown there: correct `endpoint` (http or https, host, port) and `region`',
};
const busy: Meaning = { code: 'STORE_UNREACHABLE', hint: 'check the line and the service, and try again' };

const meanings: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: { code: 'STORE_DENIED', hint: 'make the bucket, or correct its name' },
  InvalidBucketName: { code: 'STORE_DENIED', hint: 'correct the name of the bucket' },
  AccessDenied: denied,
  AllAccessDisabled: denied,
  InvalidAccessKeyId: wrongKey,
  SignatureDoesNotMatch: wrongKey,
  CredentialsProviderError: wrongKey,
  ExpiredToken: expired,
  TokenRefreshRequired: expired,
  InvalidToken: expired,
  RequestTimeTooSkewed: { code: 'STORE_DENIED', hint: 'set the clock of this machine' },
  AuthorizationHeaderMalformed: wrongRegion,
  PermanentRedirect: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  InvalidRequest: {
    code: 'STORE_DENIED',
    hint: 'check the configuration: for `objectLock`, the bucket must have been made with object lock',
  },
  QuotaExceeded: full,
  ServiceQuotaExceeded: full,
  InsufficientCapacity: full,
  XMinioStorageFull: full,
  EntityTooLarge: {
    code: 'STORE_DENIED',
    hint: 'the service takes smaller objects only: choose a smaller pack size',
  },
  SlowDown: busy,
  ServiceUnavailable: busy,
  RequestTimeout: busy,
};

/** Services have names of their own; the status tells the rest. Without one the line is at fault. */
const byStatus = (status: number | undefined): Meaning => {
  if (status === 507) return full;
  if (status === undefined || status >= 500 || status === 408 || status === 429) return busy;
  if (status === 401 || status === 403) return denied;
  if (status < 400) return redirected;
  return { code: 'STORE_DENIED', hint: 'the service does not take this request: check the configuration' };
};
