// Objects in a bucket of Amazon S3 or of any service that speaks its language, laid out as restic's s3 backend does it.
import { z } from 'zod';
import { waitedSeconds } from '#lib/duration-schema.ts';
import { secret } from '#lib/secret-schema.ts';
import type { StoreKind } from '../store.ts';
import { formatS3Url, parseS3Url } from './s3-url.ts';

const objectLock = z.strictObject({
  mode: z
    .enum(['governance', 'compliance'])
    .describe("'compliance': nobody can shorten it; 'governance': those with a special right can."),
  days: z.number().int().min(1).describe('How long an object cannot be deleted after it was last needed.'),
});

const encryption = z.union([
  z.literal('AES256').describe("With the service's own key."),
  z.strictObject({ kmsKey: z.string().min(1).describe('The id of a key in its key service.') }),
  z.strictObject({
    customerKey: secret().describe('32 bytes in base64 that go with each request and are not kept there.'),
  }),
]);

const config = z
  .strictObject({
    bucket: z.string().min(1).describe('The bucket, which must be there.'),
    prefix: z
      .string()
      .transform((value) => value.replaceAll(/^\/+|\/+$/g, ''))
      .optional()
      .describe('Where in the bucket; the whole bucket when absent.'),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'must be an http: or https: URL' })
      .transform((value) => value.replace(/\/+$/, ''))
      .optional()
      .describe("The service's address, https://…; Amazon's when absent."),
    region: z
      .string()
      .min(1)
      .optional()
      .describe('The region; from the environment, or us-east-1, when absent.'),
    accessKeyId: z
      .string()
      .min(1)
      .optional()
      .describe('The key; what the AWS tools would use (environment, files, roles) when absent.'),
    secretAccessKey: secret().optional().describe('The secret that belongs to the key.'),
    sessionToken: secret().optional().describe('The token that belongs to a temporary key.'),
    profile: z.string().min(1).optional().describe('A profile of the AWS configuration files.'),
    pathStyle: z
      .boolean()
      .optional()
      .describe(
        'Name the bucket in the path and not in the host; true for any endpoint but Amazon’s when absent.',
      ),
    storageClass: z.string().min(1).optional().describe('The class new objects get, such as STANDARD_IA.'),
    encryption: encryption.optional().describe('Encryption there, besides the repository’s own.'),
    objectLock: objectLock
      .optional()
      .describe(
        'Hold each object against deletion; the bucket must have object lock. Objects below locks/ are not held.',
      ),
    ca: z.string().min(1).optional().describe('A file with certificates to trust besides the usual ones.'),
    connections: z.number().int().min(1).max(64).default(5).describe('How many objects travel at once.'),
    timeoutSeconds: waitedSeconds(60).describe('How long the service may stay silent.'),
  })
  .superRefine(({ accessKeyId, secretAccessKey, sessionToken }, context) => {
    const complain = (path: string, message: string): void =>
      void context.addIssue({ code: 'custom', path: [path], message });
    if (accessKeyId !== undefined && secretAccessKey === undefined)
      complain('accessKeyId', 'needs a "secretAccessKey" beside it');
    if (accessKeyId === undefined && secretAccessKey !== undefined)
      complain('secretAccessKey', 'needs an "accessKeyId" beside it');
    if (accessKeyId === undefined && sessionToken !== undefined)
      complain('sessionToken', 'needs an "accessKeyId" beside it');
  });
export type S3Config = z.output<typeof config>;

/** `kind: s3`: a bucket. Nothing is asked of it before the first call. */
export const s3: StoreKind<S3Config> = {
  name: 's3',
  config,
  fromUrl: (url) => config.parse(parseS3Url(url)),
  locationOf: formatS3Url,
  open: async (settings) => (await import('./s3-store.ts')).openS3Store(settings),
};
