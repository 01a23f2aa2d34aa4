// Requests to a CouchDB server: over connections that are kept, and made again when they failed in passing.

import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { certificates } from '#lib/certificates.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import type { CouchConfig } from './config.ts';
import { failureOf, isPassing, refusal, unreachable } from './server-error.ts';

export interface CouchRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the server's root, part by part and not yet encoded. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | RequestStream;
  /** What it does, for messages: 'list the databases'. */
  readonly doing: string;
  /** Statuses besides success that the caller judges itself. */
  readonly allow?: readonly number[];
}

/** A body that does not fit in memory. */
export interface RequestStream {
  readonly length: number;
  /** Called anew for each attempt. */
  open(): AsyncIterable<Uint8Array>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface CouchClient {
  /** 'couch.internal:5984': for messages. */
  readonly server: string;
  readonly user: string | undefined;
  /** The whole answer; SOURCE_UNREACHABLE or SOURCE_DENIED, with what was to be done, when there is none worth having. */
  send(request: CouchRequest): Promise<Answer>;
  /** What `read` makes of the whole answer; asked for again when the answer turns out to be broken. */
  parse<Result>(request: CouchRequest, read: (body: Buffer) => Result): Promise<Result>;
  /** One attempt; the answer's body comes as it is pulled. */
  open(request: CouchRequest): Promise<IncomingMessage>;
  /** Runs the work again, at growing intervals, as long as it fails in passing. */
  persist<Result>(doing: string, work: () => Promise<Result>): Promise<Result>;
  close(): void;
}

/** Attempts of one request; before the server has answered at all, a wrong name should be told soon. */
const attemptsAtMost = 7;
const firstAttemptsAtMost = 2;
const firstWaitMs = 250;
const longestWaitMs = 30_000;

/** Nothing is connected before the first request. */
export const openClient = (config: CouchConfig, context: Context): CouchClient => {
  const { signal, clock, log } = context;
  const { url } = config;
  const user = config.user ?? url.user ?? process.env.COUCHDB_USER;
  const line = openLine(config, user);
  let reached = false;

  const open = async (request: CouchRequest): Promise<IncomingMessage> => {
    throwIfCancelled(signal);
    const answer = await line.send(request, signal);
    reached = true;
    const { statusCode: status = 0 } = answer;
    if ((status >= 200 && status < 300) || request.allow?.includes(status)) return answer;
    throw refusal({ status, headers: answer.headers, body: await bodyOf(answer) }, request.doing, {
      server: url.server,
      user,
    });
  };
  const persist = async <Result>(doing: string, work: () => Promise<Result>): Promise<Result> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        throwIfCancelled(signal);
        if (!isPassing(error)) throw failureOf(error, doing, url.server);
        const last = attempt >= (reached ? attemptsAtMost : firstAttemptsAtMost);
        if (last) throw unreachable(error, doing, url.server);
        const waitMs = Math.min(longestWaitMs, Math.max(error.waitMs ?? 0, firstWaitMs * 2 ** (attempt - 1)));
        log.warn({ server: url.server, doing, attempt, waitMs, error: messageOf(error) }, 'trying again');
        await clock.sleep(waitMs, signal);
      }
    }
  };
  const send = (request: CouchRequest): Promise<Answer> =>
    persist(request.doing, async () => {
      const answer = await open(request);
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: await bodyOf(answer) };
    });
  return {
    server: url.server,
    user,
    open,
    persist,
    send,
    parse: (request, read) => persist(request.doing, async () => read(await bodyOf(await open(request)))),
    close: line.close,
  };
};

/** All of it; Node's own `buffer` goes through a blob, which takes twice the time. */
const bodyOf = async (answer: IncomingMessage): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
};

/** Who logs in; the password is read now. As CouchDB's own images and tools name the variables. */
export const loginOf = ({
  user,
  password,
  url,
}: CouchConfig): { user: string | undefined; password: string | undefined } => ({
  user: user ?? url.user ?? process.env.COUCHDB_USER,
  password: (password ?? url.password)?.reveal() ?? process.env.COUCHDB_PASSWORD,
});

interface Line {
  /** Rejects with what the system says. */
  send(request: CouchRequest, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

const openLine = (config: CouchConfig, user: string | undefined): Line => {
  const { url, connections, timeoutSeconds } = config;
  const timeoutMs = timeoutSeconds * 1000;
  const isSecure = url.root.startsWith('https:');
  const below = new URL(url.root).pathname.replace(/\/$/, '');
  // A connection more than there are contents, so that a question is answered while all are busy.
  const settings = { keepAlive: true, maxSockets: connections + 1, scheduling: 'lifo' as const };
  const agent = isSecure
    ? new https.Agent({ ...settings, ...certificates(config.ca) })
    : new http.Agent(settings);
  let authorization: string | undefined;
  const headersOf = ({ headers, body }: CouchRequest): Record<string, string> => {
    if (user !== undefined)
      authorization ??= `Basic ${Buffer.from(`${user}:${loginOf(config).password ?? ''}`).toString('base64')}`;
    return {
      accept: 'application/json',
      ...(authorization !== undefined && { authorization }),
      ...(body && { 'content-type': 'application/json', 'content-length': `${body.length}` }),
      ...headers,
    };
  };
  return {
    send: (request, signal) =>
      new Promise((resolve, reject) => {
        const { method = 'GET', body } = request;
        const outgoing = (isSecure ? https : http).request(url.root, {
          path: `${below}${targetOf(request)}`, // not in the URL: there even an encoded '..' means the folder above
          method,
          agent,
          signal,
          headers: headersOf(request),
        });
        outgoing.setTimeout(timeoutMs, () =>
          outgoing.destroy(new Error(`the server was silent for ${timeoutSeconds} s`)),
        );
        outgoing.on('error', reject);
        outgoing.on('response', resolve);
        if (body === undefined || body instanceof Uint8Array) outgoing.end(body);
        else
          Readable.from(body.open(), { objectMode: false })
            .on('error', (error) => outgoing.destroy(error))
            .pipe(outgoing);
      }),
    close: () => agent.destroy(),
  };
};

const targetOf = ({ path, query = {} }: CouchRequest): string => {
  const words = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `/${path.map(encodePart).join('/')}${words.length > 0 ? `?${words.join('&')}` : ''}`;
};

/** A part of only dots would mean a folder. */
const encodePart = (part: string): string =>
  /^\.+$/.test(part) ? part.replaceAll('.', '%2E') : encodeURIComponent(part);
