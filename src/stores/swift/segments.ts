// Objects that come in pieces: segments in a container beside, and a manifest that makes one object of them (a «static large object»:
// https://docs.openstack.org/swift/latest/overview_large_objects.html).
import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import type { HttpAnswer } from '../http-client.ts';
import type { LargeObject } from '../store.ts';
import { check, checkStored, objectPath, type Place, parseBody, type Request, send } from './swift-store.ts';

const mib = 1024 * 1024;
/** A manifest has 1000 segments at most, unless the operator says otherwise: growing ones make room for 140 GB. */
const pieceBytes = (number: number): number => {
  if (number >= 1000) throw new Error('it is too large: a manifest has no more than 1000 segments');
  return (number < 500 ? 16 : 256) * mib;
};

const octets = { 'Content-Type': 'application/octet-stream' };

export const beginSegments = async (place: Place, key: string): Promise<LargeObject> => {
  const beside = besideOf(place);
  const token = randomUUID();
  const segments = new Map<number, Segment>();
  return {
    token,
    pieceBytes,
    async putPiece({ number }, bytes) {
      const ETag = createHash('md5').update(bytes).digest('hex');
      const path = objectPath(beside, `${folderOf(key, token)}${String(number).padStart(4, '0')}`);
      const headers = { ETag, ...octets };
      await putSegment(place, beside, key, { method: 'PUT', path, headers, body: bytes });
      segments.set(number, { path: `/${decodeURIComponent(path)}`, etag: ETag, size_bytes: bytes.length });
    },
    async commit() {
      const inOrder = [...segments].toSorted(([a], [b]) => a - b).map(([, segment]) => segment);
      const before = ((await manifestAt(place, key)) ?? []).filter(
        ({ name }) => !name.includes(`/${token}/`),
      );
      const answer = await send(place, `finish ${key}`, {
        method: 'PUT',
        path: `${objectPath(place, key)}?multipart-manifest=put`,
        headers: octets,
        body: Buffer.from(JSON.stringify(inOrder)),
      });
      checkStored(place, `finish ${key}`, answer);
      await removeAll(
        place,
        before.map(({ name }) => name),
      );
    },
    async abort() {
      await removeSegments(place, key, token);
    },
  };
};

/** True when its manifest is there, or when it and its segments were there and have gone since. */
export const wasCommitted = async (place: Place, key: string, token: string): Promise<boolean> =>
  (await hasManifest(place, key, token)) || (await segmentsOf(place, key, token)).length === 0;

export const abandonSegments = async (place: Place, key: string, token: string): Promise<void> => {
  if (!(await hasManifest(place, key, token))) await removeSegments(place, key, token);
};

/** A service in trouble may answer 404 for an object that it has, and lists: taken for absent, that would lose its segments. */
const hasManifest = async (place: Place, key: string, token: string): Promise<boolean> => {
  const segments = await manifestAt(place, key);
  if (segments) return segments.some(({ name }) => name.includes(`/${token}/`));
  if (!(await isListed(place, key))) return false;
  throw new HoldfastError('STORE_UNREACHABLE', `${place.location}: ${key} is listed, and is not found`, {
    hint: 'check the service, and try again',
  });
};

const isListed = async (place: Place, key: string): Promise<boolean> => {
  const name = place.prefix + key;
  return (await namesBelow(place, name, `look for ${key}`)).includes(name);
};

/** Removes the manifest first: without it nobody misses the segments. */
export const deleteWithSegments = async (place: Place, key: string): Promise<void> => {
  const segments = (await manifestAt(place, key)) ?? [];
  accept404(
    place,
    `delete ${key}`,
    await send(place, `delete ${key}`, { method: 'DELETE', path: objectPath(place, key) }),
  );
  await removeAll(
    place,
    segments.map(({ name }) => name),
  );
};

interface Segment {
  readonly path: string;
  readonly etag: string;
  readonly size_bytes: number;
}

/** The container of the segments, as Swift's own tools call it: they would only get in the way of listings. */
const besideOf = (place: Place): Place => ({ ...place, container: `${place.container}_segments` });

const folderOf = (key: string, token: string): string => `${key}/${token}/`;

/** Segments go before the manifest, so both containers are made for the first of them. */
const putSegment = async (place: Place, beside: Place, key: string, request: Request): Promise<void> => {
  const put = () => send(beside, `write ${key}`, request);
  let answer = await put();
  if (answer.status === 404) {
    for (const { container } of [place, beside]) {
      const doing = `make the container ${container}`;
      check(place, doing, await send(place, doing, { method: 'PUT', path: container }));
    }
    answer = await put();
  }
  checkStored(place, `write ${key}`, answer);
};

const manifestSchema = z.array(z.object({ name: z.string() }));

/** The segments that the object of this key consists of, as '/container/name'; none when it is no such object, undefined when it is absent. */
const manifestAt = async (place: Place, key: string): Promise<z.infer<typeof manifestSchema> | undefined> => {
  const doing = `look at ${key}`;
  const path = objectPath(place, key);
  // Some versions of Swift spoil the connection when HEAD finds nothing.
  const first = await send(place, doing, { method: 'GET', path, headers: { Range: 'bytes=0-0' } });
  if (first.status === 404) return undefined;
  if (first.status !== 416) check(place, doing, first);
  if (first.headers['x-static-large-object']?.toString().toLowerCase() !== 'true') return [];
  const answer = await send(place, doing, { method: 'GET', path: `${path}?multipart-manifest=get` });
  check(place, doing, answer);
  return parseBody(place, doing, answer, manifestSchema);
};

const listingSchema = z.array(z.object({ name: z.string() }));

/** The segments of one attempt, as '/container/name'. */
const segmentsOf = async (place: Place, key: string, token: string): Promise<string[]> => {
  const beside = besideOf(place);
  const doing = `look for what is left of ${key}`;
  const names = await namesBelow(beside, place.prefix + folderOf(key, token), doing);
  return names.map((name) => `/${decodeURIComponent(beside.container)}/${name}`);
};

/** One page, which is more than there can be of segments. */
const namesBelow = async (place: Place, prefix: string, doing: string): Promise<string[]> => {
  const query = new URLSearchParams({ format: 'json', prefix });
  const answer = await send(place, doing, { method: 'GET', path: `${place.container}?${query}` });
  if (answer.status === 404) return [];
  check(place, doing, answer);
  const found = answer.status === 204 ? [] : parseBody(place, doing, answer, listingSchema);
  return found.map(({ name }) => name);
};

const removeSegments = async (place: Place, key: string, token: string): Promise<void> =>
  removeAll(place, await segmentsOf(place, key, token));

const removeAll = async (place: Place, paths: readonly string[]): Promise<void> => {
  for (const path of paths) {
    const encoded = path.slice(1).split('/').map(encodeURIComponent).join('/');
    const doing = `delete the segment ${path}`;
    accept404(place, doing, await send(place, doing, { method: 'DELETE', path: encoded }));
  }
};

const accept404 = (place: Place, doing: string, answer: HttpAnswer): void => {
  if (answer.status !== 404) check(place, doing, answer);
};
