// Who logs in where: from the configuration, clouds.yaml and the environment, in that order.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { homeFolder } from '#lib/home.ts';
import { Secret } from '#lib/secret.ts';
import type { SwiftConfig } from './swift.ts';

/** Something of Keystone by its id, or by its name within what it belongs to: as Keystone itself is asked. */
export type Identified = { readonly id: string } | { readonly name: string };
export type InDomain = { readonly id: string } | { readonly name: string; readonly domain: Identified };

/** TempAuth's way in, and Keystone's by user or by application credential. */
export type Account =
  | { readonly way: 'v1'; readonly authUrl: string; readonly user: string; readonly key: Secret }
  | {
      readonly way: 'password';
      readonly authUrl: string;
      readonly user: InDomain;
      readonly password: Secret;
      readonly project: InDomain | undefined;
    }
  | {
      readonly way: 'application';
      readonly authUrl: string;
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: InDomain };
      readonly secret: Secret;
    };

export interface Access {
  readonly account: Account;
  readonly region: string | undefined;
  readonly endpointType: string;
  readonly ca: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that is needed to log in; CONFIG_INVALID names what is missing. */
export const findAccess = (config: SwiftConfig, env: Environment): Access => {
  const cloud = readCloud(config.cloud ?? env.OS_CLOUD, env);
  const auth = cloud?.auth ?? {};
  const isV1 = !config.authUrl && !auth.auth_url && !env.OS_AUTH_URL && env.ST_AUTH !== undefined;
  const authUrl = config.authUrl ?? auth.auth_url ?? env.OS_AUTH_URL ?? env.ST_AUTH;
  if (authUrl === undefined) throw missing('where to log in', 'authUrl', 'OS_AUTH_URL');
  const told: Told = { config, auth, env, isV1, authUrl };
  return {
    account: applicationOf(told) ?? userOf(told),
    region: config.region ?? cloud?.region_name ?? env.OS_REGION_NAME,
    endpointType:
      config.endpointType ?? cloud?.interface ?? env.OS_ENDPOINT_TYPE ?? env.OS_INTERFACE ?? 'public',
    ca: config.ca ?? cloud?.cacert ?? env.OS_CACERT,
  };
};

interface Told {
  readonly config: SwiftConfig;
  readonly auth: NonNullable<Cloud['auth']>;
  readonly env: Environment;
  /** The environment is the one of TempAuth's tools. */
  readonly isV1: boolean;
  readonly authUrl: string;
}

const applicationOf = (told: Told): Account | undefined => {
  const { config, auth, env, authUrl } = told;
  const credential = firstOf(
    { id: config.applicationCredential?.id },
    { id: auth.application_credential_id, name: auth.application_credential_name },
    { id: env.OS_APPLICATION_CREDENTIAL_ID, name: env.OS_APPLICATION_CREDENTIAL_NAME },
  );
  if (!credential || config.user !== undefined) return undefined;
  const secret =
    config.applicationCredential?.secret ??
    givenSecret(auth.application_credential_secret ?? env.OS_APPLICATION_CREDENTIAL_SECRET);
  if (!secret) throw missing('its secret', 'applicationCredential', 'OS_APPLICATION_CREDENTIAL_SECRET');
  if ('id' in credential) return { way: 'application', authUrl, credential, secret };
  const user = userIn(told);
  if (!user) throw missing('whose application credential it is', 'applicationCredential', 'OS_USERNAME');
  const owned = { ...credential, user: within(userDomainIn(told), user) };
  return { way: 'application', authUrl, credential: owned, secret };
};

const userOf = (told: Told): Account => {
  const { config, auth, env, isV1, authUrl } = told;
  const user = userIn(told);
  const password =
    config.password ?? givenSecret(auth.password ?? (isV1 ? env.ST_KEY : env.OS_PASSWORD) ?? env.ST_KEY);
  if (!user) throw missing('who logs in', 'user', 'OS_USERNAME');
  if (!password) throw missing('the password', 'password', 'OS_PASSWORD');
  if ('name' in user && (isV1 || /\/v1(\.0)?\/?$/.test(authUrl)))
    return { way: 'v1', authUrl, user: user.name, key: password };
  const project = firstOf(
    { name: config.project },
    { id: auth.project_id, name: auth.project_name },
    { id: env.OS_PROJECT_ID ?? env.OS_TENANT_ID, name: env.OS_PROJECT_NAME ?? env.OS_TENANT_NAME },
  );
  const projectDomain = firstOf(
    { name: config.projectDomain },
    { id: auth.project_domain_id, name: auth.project_domain_name },
    { id: env.OS_PROJECT_DOMAIN_ID, name: env.OS_PROJECT_DOMAIN_NAME },
  );
  return {
    way: 'password',
    authUrl,
    user: within(userDomainIn(told), user),
    password,
    project: project && within(projectDomain, project),
  };
};

const userIn = ({ config, auth, env, isV1 }: Told): Identified | undefined =>
  firstOf(
    { name: config.user },
    { id: auth.user_id, name: auth.username },
    { id: env.OS_USER_ID, name: (isV1 ? env.ST_USER : env.OS_USERNAME) ?? env.ST_USER },
  );

const userDomainIn = ({ config, auth, env }: Told): Identified | undefined =>
  firstOf(
    { name: config.userDomain },
    { id: auth.user_domain_id, name: auth.user_domain_name },
    { id: env.OS_USER_DOMAIN_ID, name: env.OS_USER_DOMAIN_NAME },
  );

interface Names {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

const givenSecret = (value: string | undefined): Secret | undefined =>
  value === undefined || value === '' ? undefined : new Secret(value);

/** Of the first place that tells it, by its id if that is there. */
const firstOf = (...places: readonly Names[]): Identified | undefined => {
  for (const { id, name } of places) {
    if (id) return { id };
    if (name) return { name };
  }
  return undefined;
};

/** An id is good everywhere. */
const within = (domain: Identified = { name: 'Default' }, what: Identified): InDomain =>
  'id' in what ? what : { ...what, domain };

const missing = (what: string, setting: string, variable: string): HoldfastError =>
  new HoldfastError('CONFIG_INVALID', `the Swift store does not say ${what}`, {
    hint: `set \`${setting}\` or $${variable}, or name an entry of clouds.yaml as \`cloud\``,
  });

const text = z.string().optional();
const cloudSchema = z.object({
  auth: z
    .object({
      auth_url: text,
      user_id: text,
      username: text,
      password: text,
      project_id: text,
      project_name: text,
      user_domain_id: text,
      user_domain_name: text,
      project_domain_id: text,
      project_domain_name: text,
      application_credential_id: text,
      application_credential_name: text,
      application_credential_secret: text,
    })
    .optional(),
  region_name: text,
  interface: text,
  cacert: text,
});
const cloudsSchema = z.object({ clouds: z.record(z.string(), cloudSchema) });
type Cloud = z.output<typeof cloudSchema>;

/** The entry of clouds.yaml, with what secure.yaml beside it adds; OpenStack's tools look in the same places. */
const readCloud = (name: string | undefined, env: Environment): Cloud | undefined => {
  if (name === undefined) return undefined;
  const places = [
    ...(env.OS_CLIENT_CONFIG_FILE === undefined ? [] : [env.OS_CLIENT_CONFIG_FILE]),
    'clouds.yaml',
    join(env.HOME ?? homeFolder(), '.config', 'openstack', 'clouds.yaml'),
    '/etc/openstack/clouds.yaml',
  ];
  const file = places.find((path) => existsSync(path));
  const cloud = file === undefined ? undefined : readClouds(file)[name];
  if (file === undefined || cloud === undefined)
    throw new HoldfastError('CONFIG_INVALID', `there is no cloud "${name}" in ${file ?? 'any clouds.yaml'}`, {
      hint: `looked for ${places.join(', ')}`,
    });
  const secrets = file.replace(/clouds(\.ya?ml)$/, 'secure$1');
  const secure = secrets !== file && existsSync(secrets) ? readClouds(secrets)[name] : undefined;
  return { ...cloud, ...secure, auth: { ...cloud.auth, ...secure?.auth } };
};

const readClouds = (file: string): Record<string, Cloud> => {
  try {
    return cloudsSchema.parse(parse(readFileSync(file, 'utf8'))).clouds;
  } catch (cause) {
    // What the parser says may quote a line with a password.
    const why =
      cause instanceof z.ZodError ? 'it has another form than OpenStack describes' : whyUnreadable(cause);
    throw new HoldfastError('CONFIG_INVALID', `cannot use ${file}: ${why}`, { hint: 'correct the file' });
  }
};

const whyUnreadable = (cause: unknown): string =>
  cause instanceof Error && cause.name.startsWith('YAML') ? 'it is not YAML' : messageOf(cause);
