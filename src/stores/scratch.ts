// Where a store is tried, and what is put there removed again.
import { createHash } from 'node:crypto';

/** Of `store verify` and `doctor`. */
export const scratchFolder = 'holdfast-verify/';

/** True for objects that come and go: holding them against deletion would only get in the way. */
export const isPassing = (key: string): boolean => key.startsWith('locks/') || key.startsWith(scratchFolder);

/** What a pack of these bytes is called, which is how a store is tried that keeps repositories only: nobody minds a pack that no index lists. */
export const packKeyOf = (bytes: Uint8Array): string => {
  const id = createHash('sha256').update(bytes).digest('hex');
  return `data/${id.slice(0, 2)}/${id}`;
};
