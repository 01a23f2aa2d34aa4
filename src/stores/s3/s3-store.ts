// The store over a bucket: whole objects, ranges, listings, retention.
import { createHash } from 'node:crypto';
import { checkRange, Guard, missingObject } from '../guard.ts';
import { isPage, partIn } from '../part.ts';
import { isPassing } from '../scratch.ts';
import type { ByteRange, Checksums, LargeObjects, Retention, Store } from '../store.ts';
import { holdObject } from './hold.ts';
import { abandonUpload, beginUpload, type UploadRequest, wasCompleted } from './multipart.ts';
import type { S3Config } from './s3.ts';
import { openBucket, type S3Bucket, type S3Held } from './s3-client.ts';
import { s3Answer, s3Error } from './s3-error.ts';
import { formatS3Url } from './s3-url.ts';

/** The store in that bucket; nothing is asked of it before the first call. */
export const openS3Store = (config: S3Config, now: () => Date = () => new Date()): Store => {
  const place: Place = {
    bucket: openBucket(config),
    location: formatS3Url(config),
    prefix: config.prefix ? `${config.prefix}/` : '',
    mode: config.objectLock?.mode,
    offersConditions: true,
  };
  const guard = new Guard(place.location);
  const heldUntil = (key: string): Date | undefined =>
    config.objectLock && !isPassing(key)
      ? new Date(now().getTime() + config.objectLock.days * 86_400_000)
      : undefined;
  const upload = (key: string): UploadRequest => {
    guard.checkKey(key);
    return {
      bucket: place.bucket,
      attempt: (doing, work) => attempt(place, doing, work),
      key,
      name: place.prefix + key,
      heldUntil: heldUntil(key),
      now,
    };
  };
  const store: Store & LargeObjects & Checksums = {
    connections: config.connections,
    location: place.location,
    async put(key, bytes) {
      guard.checkKey(key);
      await putObject(place, key, bytes, heldUntil(key));
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
      await attempt(place, `delete ${key}`, () => place.bucket.delete(place.prefix + key));
    },
    async checksum(key, { algorithms }) {
      guard.checkKey(key);
      if (config.encryption || !algorithms.includes('md5')) return undefined;
      const value = await md5Of(place, key);
      return value === undefined ? undefined : { algorithm: 'md5', value };
    },
    beginLarge: async (key) => await beginUpload(upload(key)),
    wasCommitted: async (key, token, sizeBytes) => await wasCompleted(upload(key), token, sizeBytes),
    abandonLarge: async (key, token) => await abandonUpload(upload(key), token),
    deleteLarge(key) {
      return this.delete(key);
    },
    async [Symbol.asyncDispose]() {
      guard.close();
      place.bucket.close();
    },
  };
  if (!config.objectLock) return store;
  return Object.assign(store, {
    async retain(key: string) {
      guard.checkKey(key);
      const until = heldUntil(key);
      if (until) await holdObject({ ...place, key, name: place.prefix + key, until });
    },
  } satisfies Retention);
};

interface Place {
  readonly bucket: S3Bucket;
  readonly location: string;
  readonly prefix: string;
  /** In which objects are held. */
  readonly mode: S3Held['mode'] | undefined;
  /** Until the service says that it has no conditional requests. */
  offersConditions: boolean;
}

const attempt = async <Result>(place: Place, doing: string, work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (cause) {
    throw s3Error(cause, doing, place.location);
  }
};

/** An object that is there already is not stored again: in a bucket that keeps versions each put would take its space once more. */
const putObject = async (
  place: Place,
  key: string,
  bytes: Uint8Array,
  heldUntil: Date | undefined,
): Promise<void> => {
  const name = place.prefix + key;
  const put = (onlyNew: boolean, sha256?: string) =>
    place.bucket.put(name, bytes, { onlyNew, heldUntil, sha256 });
  const putNew = async (sha256?: string): Promise<void> => {
    try {
      await put(place.offersConditions, sha256);
    } catch (error) {
      const { status, name: answer } = s3Answer(error);
      if (status === 400 && sha256 !== undefined) return await putNew();
      if (status === 412 && (await isSame(place.bucket, name, bytes))) {
        if (heldUntil) await holdObject({ ...place, key, name, until: heldUntil });
        return;
      }
      if (status === 501 || answer === 'NotImplemented') place.offersConditions = false;
      else if (status !== 412 && status !== 409) throw error; // 409: somebody else is putting it right now
      await put(false);
    }
  };
  await attempt(place, `write ${key}`, () => putNew(sha256In(key)));
};

/** An object of a repository is called by its SHA-256; others, which only look so, are sent a second time. */
const sha256In = (key: string): string | undefined => /(?:^|\/)([0-9a-f]{64})$/.exec(key)?.[1];

/** The ETag of an object that was put in one piece is its MD5, but for some kinds of encryption; then it counts as different. */
const isSame = async (bucket: S3Bucket, name: string, bytes: Uint8Array): Promise<boolean> => {
  const { size, etag } = await bucket.head(name);
  return size === bytes.length && etag === createHash('md5').update(bytes).digest('hex');
};

const getObject = async (place: Place, key: string, range: ByteRange | undefined): Promise<Uint8Array> => {
  const name = place.prefix + key;
  try {
    if (range === undefined) {
      const { bytes, contentType } = await place.bucket.get(name);
      if (isPage(key, contentType)) throw new Error("what it answers is none of S3's");
      return bytes;
    }
    if (range.length <= 0 || range.offset < 0) {
      checkRange(place.location, key, range, (await place.bucket.head(name)).size);
      return new Uint8Array();
    }
    const last = range.offset + range.length - 1;
    const answer = await place.bucket.get(name, { first: range.offset, last });
    const part = partIn(place.location, key, range, answer);
    if (part === undefined) throw new Error('what it answers is not the part that was asked for');
    return part;
  } catch (cause) {
    const { name: refusal, status } = s3Answer(cause);
    if (refusal === 'NoSuchKey' || refusal === 'NotFound') throw missingObject(place.location, key, cause);
    if (range !== undefined && (status === 416 || refusal === 'InvalidRange'))
      checkRange(place.location, key, range, await sizeOf(place, key));
    throw s3Error(cause, `read ${key}`, place.location);
  }
};

/** The ETag of an object that was put in one piece. */
const md5Of = async (place: Place, key: string): Promise<string | undefined> => {
  try {
    const { etag = '' } = await place.bucket.head(place.prefix + key);
    return /^[0-9a-f]{32}$/.test(etag) ? etag : undefined;
  } catch (cause) {
    if (['NoSuchKey', 'NotFound'].includes(s3Answer(cause).name ?? ''))
      throw missingObject(place.location, key, cause);
    throw s3Error(cause, `look at ${key}`, place.location);
  }
};

const sizeOf = async (place: Place, key: string): Promise<number> =>
  (await attempt(place, `look at ${key}`, () => place.bucket.head(place.prefix + key))).size;

async function* listObjects(place: Place, prefix: string): ReturnType<Store['list']> {
  try {
    for await (const { name, size, modified } of place.bucket.list(place.prefix + prefix)) {
      if (!name.startsWith(place.prefix + prefix) || !Number.isSafeInteger(size) || size < 0)
        throw new Error(
          `it lists ${JSON.stringify(name)} of ${size} bytes, which was not asked for or cannot be`,
        );
      if (name.endsWith('/')) continue; // consoles put such objects where they show folders
      yield { key: name.slice(place.prefix.length), size, ...(modified && { modified }) };
    }
  } catch (cause) {
    throw s3Error(cause, `list ${prefix || 'the objects'}`, place.location);
  }
}
