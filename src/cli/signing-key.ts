// The keys that sites sign their bulletins with, and consoles their orders.
import { makeSigningKey, publicKeyOf } from '#jobs/console/signed.ts';
import { expandHome } from '#lib/home.ts';
import type { Secret } from '#lib/secret.ts';
import type { Output } from './output.ts';
import { writeForOwner } from './write-file.ts';

/** A new one, in a file that there must not be yet. */
export const makeKey = async (output: Output, file: string): Promise<number> => {
  const { pem, publicKey } = makeSigningKey();
  await writeForOwner(expandHome(file), pem);
  await output.result({ message_type: 'public_key', file, public_key: publicKey }, publicKey);
  return 0;
};

export const showPublicKey = async (output: Output, key: Secret): Promise<number> => {
  const publicKey = publicKeyOf(key.reveal());
  await output.result({ message_type: 'public_key', public_key: publicKey }, publicKey);
  return 0;
};
