// The checksums beside archives, as sha256sum has them.
import { posix } from 'node:path';
import { hasCode } from '#lib/errors.ts';
import type { Store, StoredObject } from '#stores/store.ts';

export const checksumEnding = '.sha256';

/** Of one archive; several while it is replaced. */
export const putChecksums = (store: Store, key: string, sums: readonly string[]): Promise<void> =>
  store.put(
    `${key}${checksumEnding}`,
    Buffer.from([...new Set(sums)].map((sum) => lineOf(key, sum)).join('')),
  );

/** The checksums beside a file, of which one is its own: two where a run was broken off that replaced it. None where they are not ours. */
export const checksumsOf = async (store: Store, key: string): Promise<string[]> => {
  try {
    const text = Buffer.from(await store.get(`${key}${checksumEnding}`)).toString('utf8');
    const sums = text.split('\n').map((line) => line.slice(0, 64));
    sums.pop();
    const isOurs =
      sums.every((sum) => /^[0-9a-f]{64}$/.test(sum)) &&
      text === sums.map((sum) => lineOf(key, sum)).join('');
    return isOurs ? sums : [];
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return [];
    throw error;
  }
};

export const hasOurChecksum = async (store: Store, key: string): Promise<boolean> =>
  (await checksumsOf(store, key)).length > 0;

/** Which of the objects have such checksums beside them, as far as a listing tells: what is as long as ours is seen to be ours when it is read. */
export const withChecksums = (objects: readonly StoredObject[]): StoredObject[] => {
  const keys = new Set(
    objects
      .filter(({ key }) => key.endsWith(checksumEnding))
      .filter(({ key, size }) => isLengthOfLines(size, key.slice(0, -checksumEnding.length)))
      .map(({ key }) => key.slice(0, -checksumEnding.length)),
  );
  return objects.filter(({ key }) => keys.has(key));
};

const isLengthOfLines = (sizeBytes: number, key: string): boolean =>
  sizeBytes > 0 && sizeBytes % Buffer.byteLength(lineOf(key, '0'.repeat(64))) === 0;

const lineOf = (key: string, sum: string): string => `${sum}  ${posix.basename(key)}\n`;
