// The address of a notifier in the configuration.
import { secret } from '#lib/secret-schema.ts';
import { isAddress } from './http.ts';

/** A secret, since many services have a key in it. One that stands in the file can be judged at once. */
export const address = () =>
  secret().refine((value) => value.origin.kind !== 'text' || isAddress(value.reveal()), {
    error: 'must be an http: or https: URL',
  });
