// To a public key: the age format (https://age-encryption.org/v1), which any `age` opens. Its library is met here only.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { type Bytes, webStream } from './streams.ts';

/** A new secret key, as the file of one has it, and the public key that belongs to it. */
export const makeIdentity = async (
  now: Date,
): Promise<{ readonly identity: string; readonly recipient: string }> => {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const key = await generateX25519Identity();
  const recipient = await identityToRecipient(key);
  const head = `# created: ${now.toISOString()}\n# public key: ${recipient}\n`;
  return { identity: `${head}${key}\n`, recipient };
};

/** The public keys that belong to what a key file of age holds; USAGE when it holds something else. */
export const recipientsOf = async (identity: string): Promise<string[]> => {
  const { identityToRecipient } = await import('age-encryption');
  try {
    return await Promise.all(keysIn(identity).map((key) => identityToRecipient(key)));
  } catch (cause) {
    throw noIdentity(cause);
  }
};

/** Throws CONFIG_INVALID for a text that is no recipient ('age1…'). */
export const checkRecipients = async (recipients: readonly string[]): Promise<void> => {
  await encrypter(recipients);
};

/** Whoever holds a key of one of the recipients can read it, and nobody else: not even the one who wrote it. */
export async function* encrypt(bytes: Bytes, recipients: readonly string[]): AsyncGenerator<Uint8Array> {
  const age = await encrypter(recipients);
  yield* (await age.encrypt(webStream(bytes))) as AsyncIterable<Uint8Array>;
}

/** `identity` is what a key file of age holds: lines with secret keys, and comments. */
export async function* decrypt(bytes: Bytes, identity: string): AsyncGenerator<Uint8Array> {
  const { Decrypter } = await import('age-encryption');
  const age = new Decrypter();
  try {
    for (const key of keysIn(identity)) age.addIdentity(key);
  } catch (cause) {
    throw noIdentity(cause);
  }
  try {
    yield* (await age.decrypt(webStream(bytes))) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('WRONG_PASSWORD', `the archive cannot be decrypted: ${messageOf(cause)}`, {
      cause,
      hint: 'give the identity file that belongs to one of the public keys it was encrypted to; if it is that one, the archive is damaged',
    });
  }
}

const encrypter = async (recipients: readonly string[]) => {
  const { Encrypter } = await import('age-encryption');
  const age = new Encrypter();
  for (const recipient of recipients)
    try {
      age.addRecipient(recipient);
    } catch (cause) {
      throw new HoldfastError(
        'CONFIG_INVALID',
        `"${recipient}" is no public key of age: ${messageOf(cause)}`,
        {
          cause,
          hint: 'it begins with age1; `age-keygen -y key.txt` prints the one of a key file',
        },
      );
    }
  return age;
};

const noIdentity = (cause: unknown): HoldfastError =>
  new HoldfastError('USAGE', 'the identity file holds something that is no secret key of age', {
    cause,
    hint: 'give a file as age-keygen writes it (AGE-SECRET-KEY-1…)',
  });

const keysIn = (identity: string): string[] =>
  identity
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
