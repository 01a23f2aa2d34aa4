// Objects in a container of OpenStack Swift, laid out as restic's swift backend does it.
import { z } from 'zod';
import { waitedSeconds } from '#lib/duration-schema.ts';
import { secret } from '#lib/secret-schema.ts';
import type { StoreKind } from '../store.ts';
import { formatSwiftUrl, parseSwiftUrl } from './swift-url.ts';

const name = z.string().min(1);

const config = z.strictObject({
  container: z
    .string()
    .regex(/^[^/]+$/, 'must be a name without /')
    .describe('The container; it is made when something is first stored in it.'),
  prefix: z
    .string()
    .transform((value) => value.replaceAll(/^\/+|\/+$/g, ''))
    .optional()
    .describe('Where in the container; the whole container when absent.'),
  cloud: name.optional().describe('An entry of clouds.yaml; $OS_CLOUD when absent.'),
  authUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http: or https: URL' })
    .optional()
    .describe(
      'Where to log in: Keystone (…/v3) or TempAuth (…/auth/v1.0); $OS_AUTH_URL or $ST_AUTH when absent.',
    ),
  user: name
    .optional()
    .describe('The user; for TempAuth account:user. $OS_USERNAME, $OS_USER_ID or $ST_USER when absent.'),
  password: secret()
    .optional()
    .describe('The password, or TempAuth’s key. $OS_PASSWORD or $ST_KEY when absent.'),
  userDomain: name
    .optional()
    .describe('The domain of the user; $OS_USER_DOMAIN_NAME or …_ID, or Default, when absent.'),
  project: name.optional().describe('The project (tenant); $OS_PROJECT_NAME or $OS_PROJECT_ID when absent.'),
  projectDomain: name
    .optional()
    .describe('The domain of the project; $OS_PROJECT_DOMAIN_NAME or …_ID, or Default, when absent.'),
  applicationCredential: z
    .strictObject({
      id: name.describe('Its id.'),
      secret: secret().describe('Its secret.'),
    })
    .optional()
    .describe(
      'An application credential instead of a user; $OS_APPLICATION_CREDENTIAL_ID and …_SECRET when absent.',
    ),
  region: name.optional().describe('The region; $OS_REGION_NAME, or the first one, when absent.'),
  endpointType: z
    .enum(['public', 'internal', 'admin'])
    .optional()
    .describe(
      'Which of the service’s addresses to use; $OS_ENDPOINT_TYPE or $OS_INTERFACE, or public, when absent.',
    ),
  ca: name
    .optional()
    .describe('A file with certificates to trust besides the usual ones; $OS_CACERT when absent.'),
  connections: z.number().int().min(1).max(64).default(5).describe('How many objects travel at once.'),
  timeoutSeconds: waitedSeconds(60).describe('How long the service may stay silent.'),
});
export type SwiftConfig = z.output<typeof config>;

/** `kind: swift`: a container. It logs in on first use, and again before its token runs out. */
export const swift: StoreKind<SwiftConfig> = {
  name: 'swift',
  config,
  fromUrl: (url) => config.parse(parseSwiftUrl(url)),
  locationOf: (settings) => {
    const { authUrl, cloud, project, user, applicationCredential, region } = settings;
    const account = [authUrl ?? cloud, project ?? user ?? applicationCredential?.id, region].filter(
      (part) => part !== undefined,
    );
    return [...account, formatSwiftUrl(settings)].join(' ');
  },
  open: async (settings, context) =>
    (await import('./swift-store.ts')).openSwiftStore(settings, context, process.env),
};
