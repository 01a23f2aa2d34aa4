import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutSecretVariables } from './child-environment.ts';
import { Secret, withoutPassword, withoutSecrets } from './secret.ts';

test('a password in a URL is taken out, alone and within a sentence', () => {
  assert.equal(withoutPassword('postgres://u:hunter2@db/shop'), 'postgres://u@db/shop');
  assert.equal(withoutPassword('postgres://:hunter2@db'), 'postgres://@db');
  assert.equal(
    withoutPassword('no answer from sftp://u:hunter2@a and s3+http://k:s@b; try x://db?sslpassword=s&a=1'),
    'no answer from sftp://u@a and s3+http://k@b; try x://db?sslpassword=••••••&a=1',
  );
});

test('a password that should have been percent-encoded is taken out whole', () => {
  for (const password of ['two words', 'p/a?s#s', 'with@sign', 'a:b'])
    assert.equal(withoutPassword(`postgres://u:${password}@db/shop`), 'postgres://u@db/shop');
});

test('a URL without a password stays as it is', () => {
  for (const url of ['postgres://u@db:5432/shop', 'http://a:80/b:c@d', '/srv/a:b@c', 'a: b@c'])
    assert.equal(withoutPassword(url), url);
});

test('a secret that was read is taken out of every text', () => {
  const text = 'psql says: hunter2$& is wrong';
  assert.equal(withoutSecrets(text), text);
  new Secret('hunter2$&').reveal();
  assert.equal(withoutSecrets(text), 'psql says: •••••• is wrong');
});

test('programs of others get no variable that is named like a secret or holds one', () => {
  new Secret('open sesame').reveal();
  new Secret(() => 'e', { kind: 'env', name: 'LISTED' });
  const env = {
    PATH: '/bin',
    PWD: '/srv',
    HOLDFAST_PASSWORD: 'a',
    MYSQL_PWD: 'b',
    AWS_SECRET_ACCESS_KEY: 'c',
    GITHUB_TOKEN: 'd',
    DATABASE_URL: 'postgres://u:hunter2@db',
    GREETING: 'say open sesame',
    LISTED: 'e',
  };
  assert.deepEqual(withoutSecretVariables(env), { PATH: '/bin', PWD: '/srv' });
});
