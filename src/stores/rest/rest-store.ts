// The store over a REST server: whole objects whose names the server holds against their content, ranges, listings.
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import { Secret } from '#lib/secret.ts';
import { mostBytesOf } from '../answer-size.ts';
import { checkRange, Guard, missingObject } from '../guard.ts';
import { type HttpAnswer, type HttpClient, openHttpClient } from '../http-client.ts';
import { isPage, partIn } from '../part.ts';
import type { ByteRange, Store, StoredObject } from '../store.ts';
import { unansweredError } from '../unanswered.ts';
import type { RestConfig } from './rest.ts';
import { type RestMethod, refusedError } from './rest-error.ts';
import { foldersFor, keyOf, notOfARepository, pathOf, type RestFolder } from './rest-names.ts';
import { formatRestUrl } from './rest-url.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The store at that address; nothing is asked of the server before the first call. */
export const openRestStore = (config: RestConfig, env: Environment): Store => {
  const { url, connections, timeoutSeconds, ca } = config;
  const place: Place = {
    client: openHttpClient({ connections, timeoutMs: timeoutSeconds * 1000, ca }),
    url,
    location: formatRestUrl(config),
    login: loginOf(config, env),
    found: new Set(),
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
      return await getObject(place, key, range);
    },
    async *list(prefix) {
      guard.checkPrefix(prefix);
      yield* listObjects(place, prefix);
    },
    async delete(key) {
      guard.checkKey(key);
      const path = pathOf(key);
      if (path === undefined) return; // it cannot be there
      const answer = await send(place, `delete ${key}`, { method: 'DELETE', path });
      if (answer.status !== 404) check(place, `delete ${key}`, 'DELETE', answer);
    },
    async [Symbol.asyncDispose]() {
      guard.close();
      place.client.close();
    },
  };
};

interface Place {
  readonly client: HttpClient;
  readonly url: string;
  readonly location: string;
  readonly login: Login | undefined;
  /** What was seen of the repository, 'config' and folders: where the disk or the server behind a proxy is gone, all of it is answered 404. */
  readonly found: Set<string>;
}

interface Login {
  readonly user: string;
  readonly password: Secret | undefined;
}

/** As with restic, the environment counts only when nothing else says who logs in. */
const loginOf = ({ user, password }: RestConfig, env: Environment): Login | undefined => {
  if (user !== undefined || password !== undefined) return { user: user ?? '', password };
  const { RESTIC_REST_USERNAME: name, RESTIC_REST_PASSWORD: word } = env;
  if (!name && !word) return undefined;
  return { user: name ?? '', password: word ? new Secret(word) : undefined };
};

/**
 * Such a server replaces nothing: what is there under the same name is the same content, unless it is the config. Whoever puts a
 * key may be making the repository, whose folders then must be made first.
 */
const putObject = async (place: Place, key: string, bytes: Uint8Array): Promise<void> => {
  const path = pathOf(key);
  if (path === undefined) throw notOfARepository(place.location, key);
  if (key.startsWith('keys/')) await makeFolders(place);
  const answer = await send(place, `write ${key}`, { method: 'POST', path, body: bytes });
  if (answer.status === 403 && (await isThere(place, path, bytes))) return;
  check(place, `write ${key}`, 'POST', answer);
  // Such a server says nothing more of what it has stored.
  if (answer.body.length > 0 && !(await isThere(place, path, bytes)))
    throw strangeAnswer(place, `write ${key}`, "none of a REST server's");
};

const makeFolders = async (place: Place): Promise<void> => {
  if ((await sizeOf(place, 'config')) !== undefined) return;
  const doing = 'make the folders of a repository';
  check(place, doing, 'POST', await send(place, doing, { method: 'POST', path: '?create=true' }));
};

const isThere = async (place: Place, path: string, bytes: Uint8Array): Promise<boolean> => {
  if ((await sizeOf(place, path)) !== bytes.length) return false;
  return path !== 'config' || Buffer.from(bytes).equals(await getObject(place, path, undefined));
};

const sizeOf = async (place: Place, path: string): Promise<number | undefined> => {
  const doing = `look at ${path}`;
  const answer = await send(place, doing, { method: 'HEAD', path });
  if (answer.status === 404) return undefined;
  check(place, doing, 'HEAD', answer);
  return Number(answer.headers['content-length'] ?? 0);
};

const getObject = async (place: Place, key: string, range: ByteRange | undefined): Promise<Uint8Array> => {
  const { location } = place;
  const path = pathOf(key);
  if (path === undefined) throw missingObject(location, key, notOfARepository(location, key));
  const checkSize = async (wanted: ByteRange): Promise<void> => {
    const size = await sizeOf(place, path);
    if (size === undefined) throw missingObject(location, key);
    checkRange(location, key, wanted, size);
  };
  if (range !== undefined && (range.length <= 0 || range.offset < 0)) {
    await checkSize(range);
    return new Uint8Array();
  }
  const headers = range && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
  const answer = await send(place, `read ${key}`, {
    method: 'GET',
    path,
    ...(headers && { headers }),
    mostBytes: mostBytesOf(path, range),
  });
  if (answer.status === 404) throw missingObject(location, key);
  if (range !== undefined && answer.status === 416) await checkSize(range);
  check(place, `read ${key}`, 'GET', answer);
  if (isPage(path, answer.headers['content-type']))
    throw strangeAnswer(place, `read ${key}`, "none of a REST server's");
  if (range === undefined) return answer.body;
  const { status, headers: told, body } = answer;
  const part = partIn(location, key, range, { status, contentRange: told['content-range'], bytes: body });
  if (part === undefined) throw strangeAnswer(place, `read ${key}`, 'not the part that was asked for');
  return part;
};

async function* listObjects(place: Place, prefix: string): AsyncGenerator<StoredObject> {
  if ('config'.startsWith(prefix)) {
    const size = await sizeOf(place, 'config');
    if (size !== undefined) yield { key: 'config', size };
  }
  for (const folder of foldersFor(prefix))
    for (const { name, size } of await listFolder(place, folder)) {
      const key = keyOf(folder, name);
      if (key?.startsWith(prefix)) yield { key, size };
    }
}

const version1 = 'application/vnd.x.restic.rest.v1';
const version2 = 'application/vnd.x.restic.rest.v2';
const listing = z.array(z.object({ name: z.string(), size: z.int().nonnegative() }));

/**
 * All of a folder at once: the protocol has no pages. A repository that is not there has no objects. rest-server answers 404, too,
 * when an object is deleted while it looks at each of them for its size; it looks at none for a list of version 1.
 */
const listFolder = async (place: Place, folder: RestFolder): Promise<z.output<typeof listing>> => {
  const doing = `list ${folder}`;
  const ask = (version: string): Promise<HttpAnswer> =>
    send(place, doing, { method: 'GET', path: `${folder}/`, headers: { Accept: version } });
  for (let pauseMs = 10; ; pauseMs *= 2) {
    const answer = await ask(version2);
    if (answer.status !== 404) return objectsOf(place, doing, answer);
    if ((await ask(version1)).status === 404) {
      await assertNotGone(place, doing, folder);
      if (!place.found.has('config') || (await ask(version1)).status === 404) return [];
    }
    if (pauseMs > longestPauseMs)
      throw new HoldfastError(
        'STORE_UNREACHABLE',
        `${place.location}: cannot ${doing}: it changes all the time`,
        {
          hint: 'wait until others have deleted what they want to delete there',
        },
      );
    await setTimeout(pauseMs);
  }
};

/** A copy of a repository may lack a folder that was empty. One that was seen does not vanish from a repository that is there. */
const assertNotGone = async (place: Place, doing: string, folder: RestFolder): Promise<void> => {
  const { found, location } = place;
  const isGone = found.has(folder) || (found.has('config') && (await sizeOf(place, 'config')) === undefined);
  if (isGone)
    throw new HoldfastError(
      'STORE_UNREACHABLE',
      `${location}: cannot ${doing}: the repository is not found any more`,
      { hint: 'check the disk of the server, and the proxy before it if there is one' },
    );
};

const longestPauseMs = 640;

const objectsOf = (place: Place, doing: string, answer: HttpAnswer): z.output<typeof listing> => {
  check(place, doing, 'GET', answer);
  const said = parseJson(answer.body);
  if (answer.headers['content-type'] !== version2 && Array.isArray(said))
    throw new HoldfastError(
      'UNSUPPORTED',
      `${place.location}: the server does not speak version 2 of the REST protocol`,
      { hint: 'check that a REST server of restic is at this address, and bring it up to date' },
    );
  const listed = listing.safeParse(said);
  if (listed.success) return listed.data;
  throw strangeAnswer(place, doing, 'no list of objects');
};

/** Such as a page of a proxy that is put before the server for a while. */
const strangeAnswer = ({ location }: Place, doing: string, what: string): HoldfastError =>
  new HoldfastError('STORE_UNREACHABLE', `${location}: cannot ${doing}: what it answers is ${what}`, {
    hint: 'check the server, and what may answer in its place',
  });

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // which is no listing
  }
};

interface RestRequest {
  readonly method: RestMethod;
  /** Below the repository's address. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly mostBytes?: number;
}

const send = async (
  { client, url, location, login, found }: Place,
  doing: string,
  { path, headers, ...request }: RestRequest,
): Promise<HttpAnswer> => {
  const authorized = { ...headers, ...(login && { Authorization: basic(login) }) };
  const answer = await client
    .send({ ...request, url: url + path, headers: authorized })
    .catch((cause: unknown) => {
      throw unansweredError(`${location}: cannot ${doing}`, cause);
    });
  if (answer.status < 300) found.add(path.split(/[/?]/, 1)[0] ?? '');
  return answer;
};

const basic = ({ user, password }: Login): string =>
  `Basic ${Buffer.from(`${user}:${password?.reveal() ?? ''}`).toString('base64')}`;

const check = ({ location }: Place, doing: string, method: RestMethod, { status }: HttpAnswer): void => {
  if (status < 200 || status >= 300) throw refusedError(location, doing, method, status);
};
