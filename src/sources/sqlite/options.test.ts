import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { sqlite } from './sqlite.ts';

test('a URL or path names the file', () => {
  const pathOf = (url: string): string => sqlite.fromUrl!(url).path;
  assert.equal(pathOf('sqlite:/srv/shop.db'), '/srv/shop.db');
  assert.equal(pathOf('sqlite:///srv/shop.db'), '/srv/shop.db');
  assert.equal(pathOf('sqlite:///srv/my%20shop%3F.db'), '/srv/my shop?.db');
  assert.equal(pathOf('sqlite:/srv/100%.db'), '/srv/100%.db');
  assert.equal(pathOf('sqlite:shop.db'), 'shop.db');
  assert.equal(pathOf('SQLite:shop.db'), 'shop.db');
  assert.equal(pathOf('/srv/shop.sqlite3'), '/srv/shop.sqlite3');
  assert.equal(pathOf('sqlite:~/shop.db'), `${homedir()}/shop.db`);
});

test('what names no file is a usage error', () => {
  for (const url of [
    'sqlite:',
    'sqlite:///',
    'sqlite://host/shop.db',
    'sqlite:///shop.db?mode=ro',
    'sqlite:///%',
    'sqlite::memory:',
  ])
    assert.throws(
      () => sqlite.fromUrl!(url),
      (error) => hasCode(error, 'USAGE'),
      url,
    );
});

test('the configuration is strict and has its defaults', () => {
  assert.deepEqual(sqlite.config.parse({ path: 'a.db', tables: 'orders' }), {
    path: 'a.db',
    tables: ['orders'],
    exclude: [],
    increments: 'chunks',
    quickCheck: true,
    busyTimeoutSeconds: 30,
  });
  for (const wrong of [
    {},
    { path: '' },
    { path: 'a', table: 'x' },
    { path: 'a', busyTimeoutSeconds: -1 },
    { path: 'a', tables: [''] },
  ])
    assert.equal(sqlite.config.safeParse(wrong).success, false, JSON.stringify(wrong));
});
