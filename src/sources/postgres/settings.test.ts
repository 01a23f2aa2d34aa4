import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { hasCode } from '#lib/errors.ts';
import { Secret } from '#lib/secret.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { postgresUrl } from './connection-url.ts';
import type { Environment, Parameters } from './parameters.ts';
import { resolveSettings } from './settings.ts';

const folder = temporaryFolder('settings');
const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};
const settings = (given: Parameters, environment: Environment = {}, password?: Secret) =>
  resolveSettings(given, password, environment);
const isInvalid = (error: unknown): boolean => hasCode(error, 'CONFIG_INVALID');

test('a URL is taken apart as libpq does', () => {
  const parts = (url: string) => postgresUrl(url).parameters;
  assert.deepEqual(
    parts('postgres://shop%40x:p@db.internal:6432/my%20db?sslmode=require&application_name=a+b'),
    {
      user: 'shop@x',
      host: 'db.internal',
      port: '6432',
      dbname: 'my db',
      sslmode: 'require',
      application_name: 'a+b',
    },
  );
  assert.deepEqual(parts('postgresql://[::1]:5433'), { host: '::1', port: '5433' });
  assert.deepEqual(parts('postgres://%2Fvar%2Frun/db'), { host: '/var/run', dbname: 'db' });
  assert.deepEqual(parts('postgres:///db?host=/var/run&user=me'), {
    host: '/var/run',
    dbname: 'db',
    user: 'me',
  });
  assert.deepEqual(parts('postgres://'), {});
});

test('what a URL cannot mean is refused, and no message holds its password', () => {
  for (const url of [
    'mysql://u:hunter2@h/db',
    'postgres://u:hunter2@h1,h2/db',
    'postgres://u:hunter2@h/db?sslmodus=require',
    'postgres://u:hunter2@h/db?ssl=true',
    'postgres://u:hunter2%@h/db',
    'postgres://u:hunter2@h/db?target_session_attrs=primary',
  ])
    assert.throws(
      () => postgresUrl(url),
      (error) => isInvalid(error) && !inspect(error).includes('hunter2'),
    );
});

test('a URL prints without its password', () => {
  const url = postgresUrl('postgres://u:hunter2@h/db?password=hunter2');
  assert.doesNotMatch(`${url} ${JSON.stringify(url)} ${inspect(url)}`, /hunter2/);
  assert.equal(url.password?.reveal(), 'hunter2');
});

test('what is given goes before the service file, and that before the environment', () => {
  const PGSERVICEFILE = file(
    'services',
    '# all\n[other]\nhost=no\n\n[shop]\nhost=service-host\nport = 7000\nuser=service-user\n',
  );
  const environment = {
    PGSERVICEFILE,
    PGSERVICE: 'shop',
    PGHOST: 'env-host',
    PGUSER: 'env-user',
    PGDATABASE: 'env-db',
  };
  const { host, port, user, database } = settings({ user: 'given' }, environment);
  assert.deepEqual([host, port, user, database], ['service-host', 7000, 'given', 'env-db']);
  assert.throws(() => settings({ service: 'absent' }, environment), isInvalid);
  const odd = { PGSERVICEFILE: file('odd', '[shop]\nhostname=x\n') };
  assert.throws(() => settings({ service: 'shop' }, odd), /line 2: "hostname"/);
});

test('the password file is asked for host, port, database and user, in the order of its lines', () => {
  const passfile = file('pass', '#c\nh:5432:a:u:first\nh:*:*:u:wild\\:card\\\\\nlocalhost:5432:*:*:socket\n');
  const find = (host: string, database: string) => settings({ host, user: 'u', passfile }).password(database);
  assert.equal(find('h', 'a'), 'first');
  assert.equal(find('h', 'b'), 'wild:card\\');
  assert.equal(find('/var/run/postgresql', 'a'), 'socket');
  assert.equal(find('elsewhere', 'a'), undefined);
  assert.equal(settings({ host: 'h', user: 'u', passfile }, { PGPASSWORD: 'env' }).password('a'), 'env');
  assert.equal(
    settings({ host: 'h', passfile }, { PGPASSWORD: 'env' }, new Secret('own')).password('a'),
    'own',
  );
});

test('a password file that others can read is refused', () => {
  const passfile = file('open-pass', '*:*:*:*:x\n');
  chmodSync(passfile, 0o644);
  assert.throws(() => settings({ passfile }).password('a'), /open to other users/);
});

test('the modes of TLS try what libpq tries', () => {
  const attempts = (sslmode: string, more: Parameters = {}) =>
    settings({ host: 'h', sslmode, ...more }).tls.map((tls) =>
      tls === false ? 'plain' : tls.rejectUnauthorized,
    );
  const sslrootcert = file('root.crt', 'a certificate');
  assert.deepEqual(attempts('disable'), ['plain']);
  assert.deepEqual(attempts('allow'), ['plain', false]);
  assert.deepEqual(attempts('prefer'), [false, 'plain']);
  assert.deepEqual(attempts('require'), [false]);
  assert.deepEqual(attempts('require', { sslrootcert }), [true]);
  assert.deepEqual(attempts('verify-ca', { sslrootcert }), [true]);
  assert.deepEqual(attempts('verify-full', { sslrootcert }), [true]);
  assert.deepEqual(attempts('verify-full', { host: '/run' }), ['plain']);
  assert.throws(() => attempts('verify-full'), isInvalid);
  assert.throws(() => attempts('verify-ca', { sslrootcert: 'system' }), isInvalid);
  assert.throws(() => attempts('always'), isInvalid);
});

test('a variable of libpq that is not honoured is refused, not ignored', () => {
  assert.throws(() => settings({}, { PGHOSTADDR: '10.0.0.1' }), /PGHOSTADDR/);
});

test('programs of PostgreSQL get the same connection and nothing else of libpq', () => {
  const given = { host: 'h', user: 'u', sslmode: 'require' };
  const environment = settings(given, { PATH: '/bin', PGSSLCOMPRESSION: '1' }, new Secret('s')).environment(
    'a b',
  );
  assert.deepEqual(environment, {
    PATH: '/bin',
    PGHOST: 'h',
    PGPORT: '5432',
    PGUSER: 'u',
    PGDATABASE: 'a b',
    PGPASSWORD: 's',
    PGSSLMODE: 'require',
    PGAPPNAME: 'holdfast',
    PGCONNECT_TIMEOUT: '60',
  });
});
