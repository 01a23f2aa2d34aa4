// Objects that come in pieces: multipart uploads, which nobody sees before they are completed.
import type { LargeObject } from '../store.ts';
import type { S3Bucket, Upload } from './s3-client.ts';
import { s3Answer } from './s3-error.ts';

const mib = 1024 * 1024;
/** An upload has 10,000 parts at most, of 5 MiB at least: growing ones make room for 1.5 TB. */
const growth = [
  { before: 1000, bytes: 16 * mib },
  { before: 5000, bytes: 64 * mib },
  { before: 10_000, bytes: 256 * mib },
] as const;

const pieceBytes = (number: number): number => {
  const size = growth.find(({ before }) => number < before)?.bytes;
  if (size === undefined) throw new Error('it is too large: an upload has no more than 10,000 parts');
  return size;
};

/** Makes one call, with its errors told. */
type Attempt = <Result>(doing: string, work: () => Promise<Result>) => Promise<Result>;

export interface UploadRequest {
  readonly bucket: S3Bucket;
  readonly attempt: Attempt;
  readonly key: string;
  /** The object's name in the bucket. */
  readonly name: string;
  readonly heldUntil: Date | undefined;
  readonly now: () => Date;
}

export const beginUpload = async (request: UploadRequest): Promise<LargeObject> => {
  const { bucket, attempt, key, name, heldUntil, now } = request;
  const begunMs = now().getTime();
  const upload: Upload = {
    name,
    id: await attempt(`begin ${key}`, () => bucket.beginUpload(name, heldUntil)),
    checked: heldUntil !== undefined,
  };
  const parts = new Map<number, { readonly tag: string; readonly size: number }>();
  return {
    token: `${begunMs}.${upload.id}`,
    pieceBytes,
    putPiece: ({ number }, bytes) =>
      attempt(`write ${key}`, async () => {
        const tag = await bucket.putPart(upload, number + 1, bytes);
        parts.set(number + 1, { tag, size: bytes.length });
      }),
    commit: () =>
      attempt(`finish ${key}`, async () => {
        const inOrder = [...parts].toSorted(([a], [b]) => a - b);
        const size = inOrder.reduce((sum, [, part]) => sum + part.size, 0);
        try {
          await bucket.endUpload(
            upload,
            inOrder.map(([number, { tag }]) => ({ number, tag })),
          );
        } catch (error) {
          // The call before this one may have done it, and only its answer been lost.
          if (!isUnknown(error) || !(await isThere(bucket, name, size))) throw error;
        }
      }),
    abort: () => attempt(`give up ${key}`, () => giveUp(bucket, upload)),
  };
};

/** MinIO removes uploads that were not completed after a day, and so do buckets that are told to. */
const keptMs = 12 * 3_600_000;

/** The service knows an upload until it is completed, or removed by the service itself. */
export const wasCompleted = (
  { bucket, attempt, key, name, now }: UploadRequest,
  token: string,
  sizeBytes: number,
): Promise<boolean> =>
  attempt(`look for what is left of ${key}`, async () => {
    const { id, begunMs } = parseToken(token);
    try {
      await bucket.lookAtUpload({ name, id, checked: false });
      return false;
    } catch (error) {
      if (!isUnknown(error)) throw error;
      return now().getTime() - begunMs < keptMs || (await isThere(bucket, name, sizeBytes));
    }
  });

export const abandonUpload = ({ bucket, attempt, key, name }: UploadRequest, token: string): Promise<void> =>
  attempt(`give up ${key}`, () => giveUp(bucket, { name, id: parseToken(token).id, checked: false }));

/** When it was begun, and its id; in a token of an earlier version, only the id. */
const parseToken = (token: string): { readonly id: string; readonly begunMs: number } => {
  const [, begun = '0', id = token] = /^(\d{13})\.(.+)$/s.exec(token) ?? [];
  return { id, begunMs: Number(begun) };
};

/** One that the service does not know (any more) is fine. */
const giveUp = async (bucket: S3Bucket, upload: Upload): Promise<void> => {
  try {
    await bucket.abortUpload(upload);
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
};

/** Ceph says of an upload that it does not know that there is no such key. */
const isUnknown = (error: unknown): boolean => ['NoSuchUpload', 'NoSuchKey'].includes(s3Answer(error).name);

const isThere = async (bucket: S3Bucket, name: string, sizeBytes: number): Promise<boolean> => {
  try {
    return (await bucket.head(name)).size === sizeBytes;
  } catch (error) {
    if (['NoSuchKey', 'NotFound'].includes(s3Answer(error).name ?? '')) return false;
    throw error;
  }
};
