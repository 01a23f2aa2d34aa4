// Bulletins as they lie in the store: encrypted to the console, so that neither the store nor another site can read them.
import { decrypt, encrypt } from '#archive/encryption.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { type Bulletin, mostBytes, readBulletin, writeBulletin } from './bulletin.ts';

/** What age adds is a few hundred bytes for each recipient and sixteen for each 64 KiB. */
export const mostSealedBytes = mostBytes + 64 * 1024;

/** Only who holds a secret key of one of the recipients can open it. */
export const seal = async (bulletin: Bulletin, recipients: readonly string[]): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(encrypt(once(Buffer.from(writeBulletin(bulletin))), recipients)));

/** WRONG_PASSWORD for what is sealed for others, FAILED for what is damaged or no bulletin, each as a sentence without a subject. */
export const open = async (sealed: Uint8Array, identity: string, signal: AbortSignal): Promise<Bulletin> => {
  throwIfCancelled(signal);
  return readBulletin(await unsealed(sealed, identity));
};

/** Where age ends its list of recipients, each of which costs a try. Honest ones have some hundred bytes for each. */
const headerEnd = '\n--- ';
const mostHeaderBytes = 64 * 1024;

const unsealed = async (sealed: Uint8Array, identity: string): Promise<Buffer> => {
  if (!Buffer.from(sealed.subarray(0, mostHeaderBytes)).includes(headerEnd))
    throw new HoldfastError('FAILED', 'it was never sealed, or for more keys than anybody has');
  try {
    return Buffer.concat(await Array.fromAsync(decrypt(once(sealed), identity)));
  } catch (error) {
    if (!hasCode(error, 'WRONG_PASSWORD')) throw error;
    if (messageOf(error.cause).includes('no identity matched'))
      throw new HoldfastError('WRONG_PASSWORD', 'it is sealed for another key than that of this console', {
        cause: error,
        hint: 'let the site seal `for` the public key of this console: `holdfast doctor` shows it',
      });
    throw new HoldfastError('FAILED', 'it is damaged, or was never sealed', { cause: error });
  }
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
