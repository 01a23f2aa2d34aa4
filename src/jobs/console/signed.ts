// Whose a bulletin or an order is: its site signs the one before it is sealed, the console the other. Each is one line; the line
// below it is the signature.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { HoldfastError } from '#lib/errors.ts';

/** 'good': by a key of its site. 'unchecked': no key of its site is known here. */
export type Signature = 'good' | 'unchecked' | 'none';

/** What is signed begins with its purpose, so that no signature made for one thing is one of another. */
const purposes = { bulletin: 'holdfast bulletin 1\n', order: 'holdfast order 1\n' } as const;
type Purpose = keyof typeof purposes;

/** A new secret key, as the file of one has it, and the public key that belongs to it. */
export const makeSigningKey = (): { readonly pem: string; readonly publicKey: string } => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { pem, publicKey: publicKeyOf(pem) };
};

/** 'ssh-ed25519 AAAA…', as OpenSSH writes it (RFC 8709). */
export const publicKeyOf = (pem: string): string => {
  const { x = '' } = createPublicKey(signingKey(pem)).export({ format: 'jwk' });
  return `ssh-ed25519 ${Buffer.concat([blobHead, Buffer.from(x, 'base64url')]).toString('base64')}`;
};

/** Two strings, each after its length: the name of the algorithm, and the key of 32 bytes. */
const blobHead = Buffer.from('\0\0\0\vssh-ed25519\0\0\0\x20', 'latin1');

/** The line with its signature below it. */
export const sign = (line: string, purpose: Purpose, pem: string): string => {
  const signature = signBytes(null, Buffer.from(purposes[purpose] + line), signingKey(pem));
  return `${line}\ned25519 ${signature.toString('base64')}\n`;
};

/** CONFIG_INVALID for what is no key to sign with; nothing of it is repeated. */
const signingKey = (pem: string): KeyObject => {
  const key = privateKeyIn(pem);
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new HoldfastError('CONFIG_INVALID', `the signing key is of type ${key.asymmetricKeyType}`, { hint });
};

const privateKeyIn = (pem: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', 'the signing key is no whole private key', { cause, hint });
  }
};

const hint =
  'it must be of type Ed25519, in PEM, without a passphrase: `holdfast bulletin --new-key <file>` makes that of a site, `holdfast order --new-key <file>` that of a console';

/** The bulletin alone. FAILED, as a sentence without a subject, where keys of its site are given and none of them has signed it. */
export const verify = (
  bytes: Uint8Array,
  keys: readonly string[],
): { readonly bulletin: Uint8Array; readonly signature: Signature } => {
  const found = parted(bytes);
  if (found === undefined && keys.length > 0)
    throw new HoldfastError(
      'FAILED',
      'it is not signed, and the console has a key of its site: it is forged, or made without `bulletins.key`',
    );
  if (found === undefined) return { bulletin: bytes, signature: 'none' };
  const { line: bulletin } = found;
  if (keys.length === 0) return { bulletin, signature: 'unchecked' };
  if (isSigned(found, 'bulletin', keys)) return { bulletin, signature: 'good' };
  throw new HoldfastError(
    'FAILED',
    'its signature is not of its site: it is forged, or the site has a new key',
  );
};

/** The order alone. FAILED, as a sentence without a subject, where none of these keys has signed it. */
export const verifyOrder = (bytes: Uint8Array, keys: readonly string[]): Uint8Array => {
  const found = parted(bytes);
  if (found === undefined) throw new HoldfastError('FAILED', 'it is not signed: it is forged, or cut short');
  if (isSigned(found, 'order', keys)) return found.line;
  throw new HoldfastError(
    'FAILED',
    'its signature is of nobody in `orders.from`: it is forged, or the console has a new key',
  );
};

interface Signed {
  readonly line: Uint8Array;
  readonly signature: Buffer;
}

/** Undefined for what has no signature. */
const parted = (bytes: Uint8Array): Signed | undefined => {
  const end = bytes.indexOf(0x0a);
  if (end === -1) return undefined;
  return { line: bytes.subarray(0, end), signature: signatureIn(bytes.subarray(end + 1)) };
};

const isSigned = ({ line, signature }: Signed, purpose: Purpose, keys: readonly string[]): boolean => {
  const signed = Buffer.concat([Buffer.from(purposes[purpose]), line]);
  return keys.some((key) => verifyBytes(null, signed, publicKeyIn(key), signature));
};

const signatureIn = (line: Uint8Array): Buffer => {
  const [, encoded] =
    /^ed25519 ([A-Za-z0-9+/]{85}[AQgw]==)\n$/.exec(Buffer.from(line).toString('latin1')) ?? [];
  if (encoded !== undefined) return Buffer.from(encoded, 'base64');
  throw new HoldfastError('FAILED', 'its signature is cut short, or none that this version understands');
};

/** Of a text that the configuration has found to be one. */
const publicKeyIn = (text: string): KeyObject => {
  const key = Buffer.from(text.replace('ssh-ed25519 ', ''), 'base64').subarray(blobHead.length);
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') },
    format: 'jwk',
  });
};
