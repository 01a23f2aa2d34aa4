// Bulletins as they lie in the store: signed, and encrypted to the console, so that neither the store nor another site can read them.
import { decrypt, encrypt } from '#archive/encryption.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import type { Secret } from '#lib/secret.ts';
import { type Bulletin, mostBytes, readBulletin, writeBulletin } from './bulletin.ts';
import { type Signature, sign, verify } from './signed.ts';

/** What age adds is a few hundred bytes for each recipient and sixteen for each 64 KiB. */
export const mostSealedBytes = mostBytes + 64 * 1024;

/** Only who holds a secret key of one of those that it is for can open it. Signed where there is a key to sign with. */
export const seal = async (bulletin: Bulletin, key: Secret | undefined): Promise<Buffer> => {
  const written = writeBulletin(bulletin);
  const text = key === undefined ? written : sign(written, 'bulletin', key.reveal());
  return Buffer.concat(await Array.fromAsync(encrypt(once(Buffer.from(text)), bulletin.for)));
};

/** What a console opens bulletins with. */
export interface Opener {
  readonly identity: string;
  /** The public keys that belong to the identity. */
  readonly recipients: readonly string[];
}

export interface Opened {
  readonly bulletin: Bulletin;
  readonly signature: Signature;
}

/** WRONG_PASSWORD for what is sealed for others, FAILED for what is damaged, forged or no bulletin, each as a sentence without a subject. */
export const open = async (
  sealed: Uint8Array,
  { identity, recipients }: Opener,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Opened> => {
  throwIfCancelled(signal);
  const verified = verify(await unsealed(sealed, identity), keys);
  const bulletin = readBulletin(verified.bulletin);
  // Whoever can open it could seal it once more, signature and all.
  if (verified.signature === 'good' && !bulletin.for.some((recipient) => recipients.includes(recipient)))
    throw new HoldfastError(
      'FAILED',
      'its site made it for another console, and somebody sealed it for this one',
    );
  return { bulletin, signature: verified.signature };
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
