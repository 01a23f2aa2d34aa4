// Objects that nobody can delete for a while.
import { HoldfastError } from '#lib/errors.ts';
import type { S3Bucket, S3Held } from './s3-client.ts';
import { s3Answer, s3Error } from './s3-error.ts';

export interface HoldRequest {
  readonly bucket: S3Bucket;
  readonly location: string;
  readonly mode: S3Held['mode'] | undefined;
  readonly key: string;
  /** The object's name in the bucket. */
  readonly name: string;
  readonly until: Date;
}

/** At least until then: nobody can shorten it for what is held longer, by other settings or a machine whose clock is ahead, and nobody need. */
export const holdObject = async (request: HoldRequest): Promise<void> => {
  const { bucket, name, until, mode } = request;
  try {
    await bucket.retain(name, until);
  } catch (cause) {
    const { status = 500 } = s3Answer(cause);
    const held = status < 500 ? await bucket.head(name).then(heldNow, () => undefined) : undefined;
    const isStrict = held?.mode === mode || held?.mode === 'compliance';
    if (held && isStrict && held.until >= until) return;
    throw cannotHold(request, held, cause);
  }
};

const heldNow = ({ held }: { readonly held: S3Held | undefined }): S3Held | undefined => held;

const cannotHold = ({ key, location, mode }: HoldRequest, held: S3Held | undefined, cause: unknown) => {
  const { code, message, hint } = s3Error(cause, `hold ${key}`, location);
  if (code !== 'STORE_DENIED') return new HoldfastError(code, message, { cause, hint });
  if (held && held.mode !== mode) {
    const day = held.until.toISOString().slice(0, 10);
    return new HoldfastError(code, message, {
      cause,
      hint: `it is held in ${held.mode} mode until ${day}, and cannot be held in another mode before: set \`mode\` of objectLock to ${held.mode} again`,
    });
  }
  return new HoldfastError(code, message, {
    cause,
    hint: 'give the key the rights s3:PutObjectRetention and s3:GetObjectRetention',
  });
};
