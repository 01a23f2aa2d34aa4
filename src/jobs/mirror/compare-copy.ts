// A copy held against what it should be, byte by byte.
import { readSized } from '#archive/read-object.ts';
import type { MirrorCopy } from '#catalog/mirrors.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { checksumsOf, type Store } from '#stores/store.ts';
import { algorithmOf, type ChecksumType, checksumOf, startHash } from './checksum.ts';

/**
 * Whether the store itself computes the checksum that the copy should have, so that it need not be read back. False says nothing: the
 * store may know another checksum, or none. `bytes` is the content where it is at hand.
 */
export const isKnownAsGood = async (
  store: Store,
  path: string,
  { sizeBytes, checksumType, checksum }: MirrorCopy,
  signal: AbortSignal,
  bytes?: Uint8Array,
): Promise<boolean> => {
  const own = algorithmOf(checksumType as ChecksumType);
  const algorithms = bytes && own !== 'md5' ? ([own, 'md5'] as const) : [own];
  const found = await checksumsOf(store)?.checksum(path, { algorithms, sizeBytes, signal });
  if (found === undefined) return false;
  return found.value === (found.algorithm === own || !bytes ? checksum : checksumOf('MD5', bytes));
};

/** Whether the bytes of the copy are there as they should be; there may be more. OBJECT_MISSING when there are not so many. */
export const compareCopy = async (
  store: Store,
  path: string,
  { sizeBytes, checksumType, checksum }: MirrorCopy,
  signal: AbortSignal,
): Promise<boolean> => {
  const hash = startHash(checksumType as ChecksumType);
  for await (const chunk of readSized(store, { key: path, size: sizeBytes }, signal)) hash.update(chunk);
  return hash.digest('hex') === checksum;
};

/** The same for a copy that others may have touched: what is wrong with it, or undefined. Throws when the store cannot be asked. */
export const flawOfCopy = async (
  store: Store,
  path: string,
  copy: MirrorCopy,
  signal: AbortSignal,
): Promise<HoldfastError | undefined> => {
  try {
    if (await isKnownAsGood(store, path, copy, signal)) return undefined;
    if (copy.sizeBytes === 0) await store.get(path, { offset: 0, length: 0 });
    if (!(await compareCopy(store, path, copy, signal))) return flaw('the copy is not as it was written');
    return (await isLonger(store, path, copy.sizeBytes)) ? flaw('the copy has become longer') : undefined;
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return flaw(`the copy is gone or shorter: ${error.message}`);
    throw error;
  }
};

const flaw = (message: string): HoldfastError =>
  new HoldfastError('DIFFERENCE_FOUND', message, {
    hint: 'copy it again: holdfast mirror --rerun <job>',
  });

/** Whether an object has more bytes than that; one that has fewer, or is gone, is not. */
export const isLonger = async (store: Store, key: string, size: number): Promise<boolean> => {
  try {
    await store.get(key, { offset: size, length: 1 });
    return true;
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return false;
    throw error;
  }
};
