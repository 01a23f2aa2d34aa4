import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { hasCode } from '#lib/errors.ts';
import { configFromUrl, configSchema } from './config.ts';
import { ConnectionUrl } from './connection-url.ts';
import { wantedOf } from './patterns.ts';

const url =
  'mongodb://backup:s%40cret@a.internal:27017,b.internal/shop?replicaSet=rs0&tlsCertificateKeyFilePassword=hidden';

test('a URL is taken apart, and prints without what is secret in it', () => {
  const parsed = new ConnectionUrl(url);
  assert.deepEqual(
    [parsed.user, parsed.hosts, parsed.database],
    ['backup', 'a.internal:27017,b.internal', 'shop'],
  );
  assert.equal(parsed.reveal(), url);
  for (const shown of [`${parsed}`, JSON.stringify({ parsed }), inspect(parsed)])
    assert.doesNotMatch(shown, /s%40cret|s@cret|hidden/);
});

test('a URL that cannot be read is refused without being repeated', () => {
  for (const text of ['mongodb://', 'mongodb:///shop', 'postgres://x/y', 'mongodb://u:%zz@h/secret%'])
    assert.throws(
      () => configFromUrl(text),
      (error) => hasCode(error, 'CONFIG_INVALID') && !error.message.includes('secret'),
    );
});

const config = (keys: Readonly<Record<string, unknown>>) =>
  configSchema.parse({ url: 'mongodb://h', ...keys });

test('collections fit by their own name, or with the database before it', () => {
  const chosen = config({
    collections: ['orders', 'shop.log.*'],
    exclude: ['*.secret'],
    excludeData: ['log.b?g'],
  });
  const names = ['orders', 'log.big', 'log.small', 'log.secret', 'other'];
  assert.deepEqual(
    names.map((name) => wantedOf(chosen, 'shop', name)),
    ['all', 'definition', 'all', 'nothing', 'nothing'],
  );
});
