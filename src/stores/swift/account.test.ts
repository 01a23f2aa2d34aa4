import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '#lib/secret.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { type Environment, findAccess } from './account.ts';
import { swift } from './swift.ts';
import { formatSwiftUrl, parseSwiftUrl } from './swift-url.ts';

const find = (settings: Record<string, unknown>, env: Environment = {}) =>
  findAccess(swift.config.parse({ container: 'c', ...settings }), env);

/** With secrets as text, to compare. */
const accountOf = (settings: Record<string, unknown>, env: Environment = {}) =>
  Object.fromEntries(
    Object.entries(find(settings, env).account).map(([name, value]) => [
      name,
      value instanceof Secret ? `revealed ${value.reveal()}` : value,
    ]),
  );

test('TempAuth is known by its address or by the variables of its tools', () => {
  const expected = { way: 'v1', authUrl: 'http://h/auth/v1.0', user: 'a:b', key: 'revealed k' };
  assert.deepEqual(accountOf({ authUrl: 'http://h/auth/v1.0', user: 'a:b', password: 'k' }), expected);
  assert.deepEqual(accountOf({}, { ST_AUTH: 'http://h/auth/v1.0', ST_USER: 'a:b', ST_KEY: 'k' }), expected);
});

test('Keystone is asked by user and project from the variables of OpenStack', () => {
  const env = {
    OS_AUTH_URL: 'https://h/v3',
    OS_USERNAME: 'u',
    OS_PASSWORD: 'p',
    OS_PROJECT_NAME: 'shop',
    OS_USER_DOMAIN_NAME: 'people',
    OS_REGION_NAME: 'north',
    OS_INTERFACE: 'internal',
    OS_CACERT: '/ca.pem',
  };
  assert.deepEqual(accountOf({}, env), {
    way: 'password',
    authUrl: 'https://h/v3',
    user: { name: 'u', domain: { name: 'people' } },
    password: 'revealed p',
    project: { name: 'shop', domain: { name: 'Default' } },
  });
  const { region, endpointType, ca } = find({}, env);
  assert.deepEqual(
    { region, endpointType, ca },
    { region: 'north', endpointType: 'internal', ca: '/ca.pem' },
  );
  assert.equal(find({ region: 'south' }, env).region, 'south');
});

test('an application credential needs no user', () => {
  const expected = {
    way: 'application',
    authUrl: 'https://h',
    credential: { id: 'i' },
    secret: 'revealed s',
  };
  const credential = { applicationCredential: { id: 'i', secret: 's' } };
  assert.deepEqual(accountOf({ authUrl: 'https://h', ...credential }), expected);
  const env = {
    OS_AUTH_URL: 'https://h',
    OS_APPLICATION_CREDENTIAL_ID: 'i',
    OS_APPLICATION_CREDENTIAL_SECRET: 's',
  };
  assert.deepEqual(accountOf({}, env), expected);
});

test('an entry of clouds.yaml is used, with the secrets beside it', () => {
  const folder = temporaryFolder('swift');
  const file = join(folder, 'clouds.yaml');
  writeFileSync(
    file,
    'clouds:\n  vault:\n    region_name: north\n    auth:\n      auth_url: https://h/v3\n      username: u\n      project_name: shop\n',
  );
  writeFileSync(join(folder, 'secure.yaml'), 'clouds:\n  vault:\n    auth:\n      password: hidden\n');
  const env = { OS_CLIENT_CONFIG_FILE: file, OS_CLOUD: 'vault' };
  const account = accountOf({}, env);
  assert.equal(account.password, 'revealed hidden');
  assert.deepEqual(account.project, { name: 'shop', domain: { name: 'Default' } });
  assert.equal(find({}, env).region, 'north');
  assert.throws(() => find({ cloud: 'other' }, env), { code: 'CONFIG_INVALID' });
});

test('what has an id needs no name and no domain, as in the files that OpenStack’s own pages hand out', () => {
  const file = join(temporaryFolder('swift'), 'clouds.yaml');
  const auth = {
    auth_url: 'https://h',
    username: 'u',
    project_id: 'p1',
    project_name: 'shop',
    password: 'p',
  };
  const ids = { auth_url: 'https://h', user_id: 'u1', project_id: 'p1', password: 'p' };
  const domains = { ...auth, project_id: undefined, user_domain_id: 'd1', project_domain_id: 'd2' };
  const clouds = { page: { auth: { ...auth, user_domain_name: 'people' } }, ids: { auth: ids } };
  writeFileSync(file, JSON.stringify({ clouds: { ...clouds, domains: { auth: domains } } }));
  const whoAndWhere = (settings: Record<string, unknown>, env: Environment = {}) => {
    const { user, project } = accountOf(settings, { ...env, OS_CLIENT_CONFIG_FILE: file });
    return { user, project };
  };
  const user = { name: 'u', domain: { name: 'people' } };
  assert.deepEqual(whoAndWhere({ cloud: 'page' }), { user, project: { id: 'p1' } });
  assert.deepEqual(whoAndWhere({ cloud: 'ids' }), { user: { id: 'u1' }, project: { id: 'p1' } });
  assert.deepEqual(whoAndWhere({ cloud: 'domains' }), {
    user: { name: 'u', domain: { id: 'd1' } },
    project: { name: 'shop', domain: { id: 'd2' } },
  });
  const env = { OS_AUTH_URL: 'https://h', OS_USER_ID: 'u1', OS_PROJECT_ID: 'p1', OS_PASSWORD: 'p' };
  assert.deepEqual(whoAndWhere({}, env), { user: { id: 'u1' }, project: { id: 'p1' } });
});

test('an application credential that is called by its name belongs to a user', () => {
  const env = {
    OS_AUTH_URL: 'https://h',
    OS_APPLICATION_CREDENTIAL_NAME: 'n',
    OS_APPLICATION_CREDENTIAL_SECRET: 's',
  };
  assert.throws(() => find({}, env), { code: 'CONFIG_INVALID', message: /whose application credential/ });
  const { credential } = accountOf({}, { ...env, OS_USERNAME: 'u', OS_USER_DOMAIN_ID: 'd1' });
  assert.deepEqual(credential, { name: 'n', user: { name: 'u', domain: { id: 'd1' } } });
});

test('a broken clouds.yaml is reported without what it holds', () => {
  const file = join(temporaryFolder('swift'), 'clouds.yaml');
  writeFileSync(file, 'clouds:\n  vault:\n    auth: { password: "s3cret\n');
  assert.throws(
    () => find({}, { OS_CLIENT_CONFIG_FILE: file, OS_CLOUD: 'vault' }),
    (error: Error) => error.message.includes('is not YAML') && !error.message.includes('s3cret'),
  );
});

test('what is missing is named with the setting and the variable', () => {
  assert.throws(() => find({}), { code: 'CONFIG_INVALID', message: /where to log in/ });
  assert.throws(() => find({ authUrl: 'https://h' }), { message: /who logs in/ });
  assert.throws(() => find({ authUrl: 'https://h', user: 'u' }), { message: /the password/ });
});

test('restic’s URLs name the container they name there', () => {
  assert.deepEqual(parseSwiftUrl('swift:c:/a/b'), { container: 'c', prefix: 'a/b' });
  assert.deepEqual(parseSwiftUrl('swift:c:/'), { container: 'c' });
  assert.deepEqual(parseSwiftUrl('swift:c'), { container: 'c' });
  assert.equal(formatSwiftUrl({ container: 'c', prefix: 'a/b' }), 'swift:c:/a/b');
  assert.throws(() => parseSwiftUrl('swift:'), { code: 'USAGE' });
});
