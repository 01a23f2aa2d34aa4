// One blob, read and verified on this thread: for trees, one at a time. Contents go through BlobReader.
import { hash } from 'node:crypto';
import { HoldfastError } from '#lib/errors.ts';
import { type BlobLocation, type BlobType, packKey } from './blob.ts';
import { decompress } from './compression.ts';
import type { Session } from './session.ts';

/** The blob's plaintext, its seal and its id verified. REPOSITORY_DAMAGED when it is missing or wrong. */
export const loadBlob = async (session: Session, id: string, type: BlobType): Promise<Buffer> => {
  const location = locateBlob(session, id, type);
  const key = packKey(location.pack);
  const sealed = await session.store.get(key, { offset: location.offset, length: location.length });
  return openBlob(session.sealer.tryOpen(sealed), id, location);
};

/** Where the blob lies; REPOSITORY_DAMAGED when no index knows it. */
export const locateBlob = (session: Session, id: string, type: BlobType): BlobLocation => {
  const location = session.blobs.locate(id, type);
  if (location) return location;
  throw new HoldfastError('REPOSITORY_DAMAGED', `${type} blob ${id} is in no index`, {
    hint: 'its pack was lost, or its index: run `holdfast check`',
  });
};

/** Finishes opening a blob: `opened` is what lay under the seal, undefined when the seal did not fit. */
export const openBlob = (
  opened: Buffer | undefined,
  id: string,
  { pack, offset, plainLength }: Omit<BlobLocation, 'length'>,
): Buffer => {
  const damaged = (why: string, cause?: unknown): HoldfastError =>
    new HoldfastError(
      'REPOSITORY_DAMAGED',
      `blob ${id} in ${packKey(pack)} at byte ${offset} is damaged: ${why}`,
      {
        cause,
        hint: 'run `holdfast check --read-data` to learn what else is damaged',
      },
    );
  if (!opened) throw damaged('its authentication code does not fit');
  let plain = opened;
  if (plainLength > 0)
    try {
      plain = decompress(opened, plainLength);
    } catch (cause) {
      throw damaged('it does not decompress', cause);
    }
  if (hash('sha256', plain, 'hex') !== id) throw damaged('its content does not fit its id');
  return plain;
};
