// To whom something is encrypted.
import { bech32 } from '@scure/base';
import { z } from 'zod';
import { refuseTwice } from './names.ts';

/** A public key of age: https://age-encryption.org/v1 */
export const recipient = z
  .string()
  .regex(/^age1[0-9a-z]+$/, { error: 'must be a public key of age: age1…', abort: true })
  .refine((key) => bech32.decodeUnsafe(key, false) !== undefined, {
    error: 'is no whole public key of age: copy it once more',
  });

/** One or more of them, each once. */
export const recipients = z
  .array(recipient)
  .min(1)
  .superRefine((list, context) => refuseTwice(list, (key) => key, context));
