// A repository on a server that speaks restic's REST protocol, version 2: rest-server, and others like it.
// Source: restic's manual, «REST Backend».
import { z } from 'zod';
import { waitedSeconds } from '#lib/duration-schema.ts';
import { secret } from '#lib/secret-schema.ts';
import type { StoreKind } from '../store.ts';
import { parseRestUrl, withSlash } from './rest-url.ts';

const config = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http: or https: URL' })
    .refine((url) => !/^[^/]*\/\/[^/]*@|[?#]/.test(url), {
      error: 'must be an address alone: who logs in is said by user and password',
    })
    .transform(withSlash)
    .describe('The address of the repository: https://host:8000/path/.'),
  user: z
    .string()
    .regex(/^[^:]+$/, 'must be a name without :')
    .optional()
    .describe('The user; $RESTIC_REST_USERNAME when absent.'),
  password: secret()
    .optional()
    .describe('The user’s password; $RESTIC_REST_PASSWORD when neither it nor a user is given.'),
  ca: z.string().min(1).optional().describe('A file with certificates to trust besides the usual ones.'),
  connections: z.number().int().min(1).max(64).default(5).describe('How many objects travel at once.'),
  timeoutSeconds: waitedSeconds(60).describe('How long the server may stay silent.'),
});
export type RestConfig = z.output<typeof config>;

/** `kind: rest`: a repository, and nothing else: such a server takes no other names. Nothing is asked of it before the first call. */
export const rest: StoreKind<RestConfig> = {
  name: 'rest',
  config,
  fromUrl: (url) => config.parse(parseRestUrl(url)),
  open: async (settings) => (await import('./rest-store.ts')).openRestStore(settings, process.env),
};
