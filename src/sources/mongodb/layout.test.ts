import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { documentsFile, metadataFile, parsePath } from './layout.ts';

test('names of files are those of mongodump', () => {
  const names: readonly (readonly [string, string])[] = [
    ['orders', 'orders.bson'],
    ['system.buckets.weather', 'system.buckets.weather.bson'],
    ['a/b+c', 'a%2Fb%2Bc.bson'],
    ['sp ace', 'sp+ace.bson'],
    ["it's (*)!", 'it%27s+%28%2A%29%21.bson'],
    ['50%', '50%25.bson'],
    ['-_.~', '-_.~.bson'],
    ['ü🐙', '%C3%BC%F0%9F%90%99.bson'],
    ['new\nline', 'new%0Aline.bson'],
  ];
  for (const [name, file] of names) assert.equal(documentsFile(name), file);
});

test('a name that would be too long for a file is cut short, with a hash behind it', () => {
  assert.equal(documentsFile('x'.repeat(238)), `${'x'.repeat(238)}.bson`);
  const long = metadataFile('x'.repeat(239));
  // printf %s xxx… | openssl sha1 -binary | basenc --base64url
  assert.match(long, /^x{208}%24[\w-]{27}\.metadata\.json$/);
  assert.notEqual(long, metadataFile('x'.repeat(240)));
});

test('each file of a backup is understood', () => {
  assert.deepEqual(parsePath('00-server.json'), { kind: 'server' });
  assert.deepEqual(parsePath('oplog.bson'), { kind: 'oplog' });
  assert.deepEqual(parsePath('shop/manifest.json'), { kind: 'manifest', database: 'shop' });
  assert.deepEqual(parsePath('shop/a.bson'), { kind: 'documents', database: 'shop', file: 'a.bson' });
  const file = 'manifest.json.metadata.json';
  assert.deepEqual(parsePath(`shop/${file}`), { kind: 'metadata', database: 'shop', file });
});

test('what is no part of a backup is refused, and what would leave its place is unsafe', () => {
  for (const path of ['shop', 'shop/a.txt', 'shop/a/b.bson'])
    assert.throws(
      () => parsePath(path),
      (error) => hasCode(error, 'TARGET_FAILED'),
    );
  for (const path of ['../a.bson', '/a.bson', 'shop//a.bson', 'shop/./a.bson', 'a\0.bson'])
    assert.throws(
      () => parsePath(path),
      (error) => hasCode(error, 'PATH_UNSAFE'),
    );
});
