// One HTTP request to where a notice goes. The address may be a secret in itself, so messages name its host and no more.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { LeaveAlone } from './deliver.ts';

export interface HttpNotice {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
}

/** The body of the answer when the other side has taken it. Redirects are followed on the same host only. */
export const sendHttp = async (request: HttpNotice, signal: AbortSignal): Promise<string> => {
  let url = request.url;
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    const answer = await ask({ ...request, url }, signal);
    const location = answer.headers.get('location');
    if (answer.status < 300 || answer.status > 399 || location === null) return await accepted(answer, url);
    await answer.body?.cancel();
    url = sameHost(new URL(location, url), url);
  }
  throw new HoldfastError('NOTIFIER_REFUSED', `${placeOf(url)} redirects in a circle`);
};

/** Whether a notice can be sent there at all. */
export const isAddress = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

/** The address in a secret; CONFIG_INVALID, without the text, when it is none. */
export const parseAddress = (text: string): URL => {
  const url = URL.parse(text);
  if (url === null || !isAddress(text))
    throw new HoldfastError('CONFIG_INVALID', 'the address of the notifier is not http://… or https://…', {
      hint: 'copy it whole, with its https://',
    });
  return url;
};

/** Where it is, without what may be secret in it. */
export const placeOf = (url: URL): string => `${url.protocol}//${url.host}`;

const mostRedirects = 3;

const ask = async (
  { method, url, headers, body, timeoutMs }: HttpNotice,
  signal: AbortSignal,
): Promise<Response> => {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    return await fetch(withoutLogin(url), {
      method,
      redirect: 'manual',
      headers: { 'user-agent': 'holdfast', ...login(url), ...headers },
      signal: AbortSignal.any([signal, limit]),
      ...(body !== undefined && { body }),
    });
  } catch (cause) {
    if (signal.aborted) throw new HoldfastError('CANCELLED', 'cancelled', { cause: signal.reason });
    const why = limit.aborted ? `no answer within ${timeoutMs / 1000} s` : causeOf(cause);
    throw new HoldfastError('NOTIFIER_UNREACHABLE', `${placeOf(url)}: ${why}`, { cause });
  }
};

/** What fetch says is 'fetch failed'; the reason lies beneath. */
const causeOf = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error ? messageOf(error.cause) : messageOf(error);

const accepted = async (answer: Response, url: URL): Promise<string> => {
  const text = await answer.text().catch(() => ''); // the status has said it; what else it says is a courtesy
  if (answer.ok) return text;
  const message = `${placeOf(url)} answered ${answer.status} ${answer.statusText}`.trimEnd();
  if (answer.status === 429 || answer.status >= 500) {
    const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
    throw Number.isFinite(seconds)
      ? new LeaveAlone(message, seconds * 1000)
      : new HoldfastError('NOTIFIER_UNREACHABLE', message);
  }
  throw new HoldfastError('NOTIFIER_REFUSED', message, {
    hint: 'see that the address and the token of the notifier are right, and still valid',
  });
};

/** A token or a secret path must not reach a host that nobody named, nor go there in the clear. */
const sameHost = (next: URL, before: URL): URL => {
  if (next.host === before.host && next.protocol === before.protocol) return next;
  throw new HoldfastError('NOTIFIER_REFUSED', `${placeOf(before)} redirects to ${placeOf(next)}`, {
    hint: 'nothing was sent there; if it is right, write that address into the configuration',
  });
};

const withoutLogin = (url: URL): URL => {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
};

const login = ({ username, password }: URL): Record<string, string> => {
  if (username === '' && password === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
};
