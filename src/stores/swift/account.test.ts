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
    user: 'u',
    password: 'revealed p',
    userDomain: 'people',
    project: 'shop',
    projectDomain: 'Default',
  });
  const { region, endpointType, ca } = find({}, env);
  assert.deepEqual(
    { region, endpointType, ca },
    { region: 'north', endpointType: 'internal', ca: '/ca.pem' },
  );
  assert.equal(find({ region: 'south' }, env).region, 'south');
});

test('an application credential needs no user', () => {
  const expected = { way: 'application', authUrl: 'https://h', id: 'i', secret: 'revealed s' };
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
  assert.equal(account.project, 'shop');
  assert.equal(find({}, env).region, 'north');
  assert.throws(() => find({ cloud: 'other' }, env), { code: 'CONFIG_INVALID' });
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
