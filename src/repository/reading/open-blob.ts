// From what lay under a blob's seal to its plaintext. Workers load this, and little else: each starts when a command needs it.
import { hash } from 'node:crypto';
import { HoldfastError } from '#lib/errors.ts';
import { type BlobLocation, packKey } from '../packs/blob.ts';
import { decompress } from '../sealing/compression.ts';

/**
 * Finishes opening a blob: `opened` is what lay under the seal, undefined when the seal did not fit. What it gives is valid as long
 * as that and until the next call, or lies at the beginning of `output`, which needs `spareBytes` more.
 */
export const openBlob = (
  opened: Uint8Array | undefined,
  id: string,
  { pack, offset, plainLength }: Omit<BlobLocation, 'length'>,
  output?: Uint8Array,
): Uint8Array => {
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
  let plain: Uint8Array = opened;
  if (plainLength > 0)
    try {
      plain = decompress(opened, plainLength, output);
    } catch (cause) {
      throw damaged('it does not decompress', cause);
    }
  if (hash('sha256', plain, 'hex') !== id) throw damaged('its content does not fit its id');
  if (!output || plainLength > 0) return plain;
  output.set(plain);
  return output.subarray(0, plain.length);
};
