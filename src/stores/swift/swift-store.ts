// The store over a container: whole objects checked by their MD5 on arrival, ranges, listings.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { byBytes } from '#lib/byte-order.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { mostBytesOf, mostPageBytes } from '../answer-size.ts';
import { checkRange, Guard, missingObject } from '../guard.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, openHttpClient } from '../http-client.ts';
import type { Meaning } from '../meaning.ts';
import { isPage, partIn } from '../part.ts';
import type { ByteRange, Checksums, LargeObjects, Store, StoredObject } from '../store.ts';
import { unansweredError } from '../unanswered.ts';
import { type Environment, findAccess } from './account.ts';
import { Tokens } from './login.ts';
import { abandonSegments, beginSegments, deleteWithSegments, wasCommitted } from './segments.ts';
import type { SwiftConfig } from './swift.ts';
import { formatSwiftUrl } from './swift-url.ts';

/** The store in that container; nobody logs in before the first call. */
export const openSwiftStore = (
  config: SwiftConfig,
  { clock }: Pick<Context, 'clock'>,
  env: Environment,
): Store & LargeObjects & Checksums => {
  const access = findAccess(config, env);
  const { connections, timeoutSeconds } = config;
  const client = openHttpClient({ connections, timeoutMs: timeoutSeconds * 1000, ca: access.ca });
  const place: Place = {
    client,
    tokens: new Tokens(access, client, clock),
    container: encodeURIComponent(config.container),
    found: new Set(),
    prefix: config.prefix ? `${config.prefix}/` : '',
    location: formatSwiftUrl(config),
  };
  const guard = new Guard(place.location);
  return {
    connections,
    location: place.location,
    async put(key, bytes) {
      guard.checkKey(key);
      await putObject(place, key, bytes);
    },
    async get(key, range) {
      guard.checkKey(key);
      return getObject(place, key, range);
    },
    async *list(prefix) {
      guard.checkPrefix(prefix);
      yield* listObjects(place, prefix);
    },
    async delete(key) {
      guard.checkKey(key);
      const answer = await send(place, `delete ${key}`, { method: 'DELETE', path: objectPath(place, key) });
      if (answer.status !== 404) check(place, `delete ${key}`, answer);
    },
    async checksum(key, { algorithms }) {
      guard.checkKey(key);
      const value = algorithms.includes('md5') ? await md5Of(place, key) : undefined;
      return value === undefined ? undefined : { algorithm: 'md5', value };
    },
    async beginLarge(key) {
      guard.checkKey(key);
      return await beginSegments(place, key);
    },
    async wasCommitted(key, token) {
      guard.checkKey(key);
      return await wasCommitted(place, key, token);
    },
    async abandonLarge(key, token) {
      guard.checkKey(key);
      await abandonSegments(place, key, token);
    },
    async deleteLarge(key) {
      guard.checkKey(key);
      await deleteWithSegments(place, key);
    },
    async [Symbol.asyncDispose]() {
      guard.close();
      client.close();
    },
  };
};

export interface Place {
  readonly client: HttpClient;
  readonly tokens: Tokens;
  readonly container: string;
  /** Containers of which something was seen: a service in trouble answers 404 for them, too. */
  readonly found: Set<string>;
  readonly prefix: string;
  readonly location: string;
}

export type Request = Omit<HttpRequest, 'url'> & { readonly path: string };

export const objectPath = ({ container, prefix }: Place, key: string): string =>
  `${container}/${(prefix + key).split('/').map(encodeURIComponent).join('/')}`;

const putObject = async (place: Place, key: string, bytes: Uint8Array): Promise<void> => {
  const ETag = createHash('md5').update(bytes).digest('hex');
  const headers = { ETag, 'Content-Type': 'application/octet-stream' };
  const request = { method: 'PUT', path: objectPath(place, key), headers, body: bytes } as const;
  const put = () => send(place, `write ${key}`, request);
  let answer = await put();
  if (answer.status === 404) {
    const made = await send(place, 'make the container', { method: 'PUT', path: place.container });
    check(place, 'make the container', made);
    answer = await put();
  }
  checkStored(place, `write ${key}`, answer);
};

/** The ETag of an object in segments is made of theirs, and stands in quotes. */
const md5Of = async (place: Place, key: string): Promise<string | undefined> => {
  const doing = `look at ${key}`;
  const answer = await send(place, doing, { method: 'HEAD', path: objectPath(place, key) });
  if (answer.status === 404) throw missingObject(place.location, key);
  check(place, doing, answer);
  const etag = String(answer.headers.etag ?? '');
  return answer.headers['x-static-large-object'] === undefined && /^[0-9a-f]{32}$/.test(etag)
    ? etag
    : undefined;
};

const getObject = async (place: Place, key: string, range: ByteRange | undefined): Promise<Uint8Array> => {
  const path = objectPath(place, key);
  if (range !== undefined && (range.length <= 0 || range.offset < 0)) {
    checkRange(place.location, key, range, await sizeOf(place, key));
    return new Uint8Array();
  }
  const headers = range && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
  const answer = await send(place, `read ${key}`, {
    method: 'GET',
    path,
    ...(headers && { headers }),
    mostBytes: mostBytesOf(key, range),
  });
  if (answer.status === 404) throw missingObject(place.location, key);
  if (range !== undefined && answer.status === 416)
    checkRange(place.location, key, range, await sizeOf(place, key));
  check(place, `read ${key}`, answer);
  if (isPage(key, answer.headers['content-type'])) throw strangeAnswer(place, `read ${key}`);
  if (range === undefined) return answer.body;
  const { status, headers: told, body } = answer;
  const part = partIn(place.location, key, range, {
    status,
    contentRange: told['content-range'],
    bytes: body,
  });
  if (part === undefined) throw strangeAnswer(place, `read ${key}`);
  return part;
};

const pageSchema = z.array(
  z.object({ name: z.string(), bytes: z.int().nonnegative(), last_modified: z.string().optional() }),
);

/** Page after page, each beginning after the last name of the one before; a container that never was there has no objects. */
async function* listObjects(place: Place, prefix: string): AsyncGenerator<StoredObject> {
  const doing = `list ${prefix || 'the objects'}`;
  for (let marker = ''; ; ) {
    const query = new URLSearchParams({ format: 'json', prefix: place.prefix + prefix, marker });
    const path = `${place.container}?${query}`;
    const answer = await send(place, doing, { method: 'GET', path, mostBytes: mostPageBytes });
    if (answer.status === 404 && !place.found.has(place.container)) return;
    if (answer.status === 404) throw goneMeanwhile(place, doing); // what is left out would count as not there
    check(place, doing, answer);
    const page = answer.status === 204 ? [] : parseBody(place, doing, answer, pageSchema);
    if (page.some(({ name }) => !name.startsWith(place.prefix + prefix))) throw strangeAnswer(place, doing);
    const objects = page.filter(({ name }) => !name.endsWith('/')); // consoles put such objects where they show folders
    yield* mapOrdered(objects, sizesAtOnce, async ({ name, bytes, last_modified: time }) => {
      const key = name.slice(place.prefix.length);
      const modified = time === undefined ? undefined : utcTime(time);
      return { key, size: bytes || (await sizeInSegments(place, key)), ...(modified && { modified }) };
    });
    const last = page.at(-1);
    if (last === undefined) return;
    if (byBytes(last.name, marker) <= 0) throw strangeAnswer(place, doing); // it would never end
    marker = last.name;
  }
}

const sizesAtOnce = 8;

/** An object that is made of all that begin with a name (a dynamic large object) is listed as if it were empty; 0 for one that is. */
const sizeInSegments = async (place: Place, key: string): Promise<number> => {
  try {
    return await sizeOf(place, key);
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return 0; // it went away meanwhile
    throw error;
  }
};

const sizeOf = async (place: Place, key: string): Promise<number> => {
  const doing = `look at ${key}`;
  const answer = await send(place, doing, { method: 'HEAD', path: objectPath(place, key) });
  if (answer.status === 404) throw missingObject(place.location, key);
  check(place, doing, answer);
  return Number(answer.headers['content-length'] ?? 0);
};

/** UTC, which radosgw says and Swift does not; undefined for what is no time. */
const utcTime = (text: string): Date | undefined => {
  const time = new Date(text.endsWith('Z') ? text : `${text}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
};

/** A proxy that is put before the service may answer in its place. */
export const parseBody = <Parsed>(
  place: Place,
  doing: string,
  { body }: HttpAnswer,
  schema: z.ZodType<Parsed>,
): Parsed => {
  try {
    return schema.parse(JSON.parse(body.toString()));
  } catch (cause) {
    throw strangeAnswer(place, doing, cause);
  }
};

const strangeAnswer = ({ location }: Place, doing: string, cause?: unknown): HoldfastError =>
  new HoldfastError('STORE_UNREACHABLE', `${location}: cannot ${doing}: the answer is none of Swift's`, {
    cause,
    hint: busy.hint,
  });

/** Sends it with a token; once more with a new one when the service does not take the first. */
export const send = async (
  place: Place,
  doing: string,
  { path, ...request }: Request,
): Promise<HttpAnswer> => {
  for (let attempt = 1; ; attempt += 1) {
    const token = await place.tokens.get();
    const headers = { ...request.headers, 'X-Auth-Token': token.value };
    const answer = await place.client
      .send({ ...request, url: `${token.storageUrl}/${path}`, headers })
      .catch((cause: unknown) => {
        throw unansweredError(`${place.location}: cannot ${doing}`, cause);
      });
    if (answer.status < 300) place.found.add(path.split(/[/?]/, 1)[0] ?? '');
    if (answer.status !== 401 || attempt > 1) return answer;
    place.tokens.drop(token);
  }
};

export const check = ({ location }: Place, doing: string, { status }: HttpAnswer): void => {
  if (status >= 200 && status < 300) return;
  const { code, hint } = meanings[status] ?? (status >= 500 ? busy : strange);
  throw new HoldfastError(code, `${location}: cannot ${doing}: status ${status}`, { hint });
};

/** The service says of what it has stored that it was created, or accepted where another put of the same name came in between. */
export const checkStored = (place: Place, doing: string, answer: HttpAnswer): void => {
  check(place, doing, answer);
  if (answer.status !== 201 && answer.status !== 202) throw strangeAnswer(place, doing);
};

const goneMeanwhile = ({ location }: Place, doing: string): HoldfastError =>
  new HoldfastError('STORE_UNREACHABLE', `${location}: cannot ${doing}: the container is gone meanwhile`, {
    hint: busy.hint,
  });

const busy: Meaning = { code: 'STORE_UNREACHABLE', hint: 'check the service, and try again' };
const strange: Meaning = {
  code: 'STORE_DENIED',
  hint: 'the service does not take this request: check the configuration',
};
const full: Meaning = {
  code: 'STORE_FULL',
  hint: 'raise the quota or make room; what is stored stays whole, and the next run goes on from it',
};
const denied: Meaning = {
  code: 'STORE_DENIED',
  hint: 'give the user the right to read and write the container',
};

const meanings: Readonly<Record<number, Meaning>> = {
  401: denied,
  403: denied,
  408: busy,
  413: full,
  422: { code: 'STORE_UNREACHABLE', hint: 'the bytes arrived damaged: check the line, and try again' },
  429: busy,
  498: busy,
  507: full,
};
