import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { CouchUrl } from './address.ts';
import { configSchema } from './config.ts';
import { attachmentFile, databasePath, parsePath, partitionOf } from './layout.ts';

test('a couchdb: URL names a database, an http: URL where the server begins', () => {
  const read = (text: string) => {
    const { root, server, database, user } = new CouchUrl(text);
    return [root, server, database, user];
  };
  assert.deepEqual(read('couchdb://couch.internal'), [
    'http://couch.internal:5984',
    'couch.internal:5984',
    undefined,
    undefined,
  ]);
  assert.deepEqual(read('couchdbs://ann:p%40ss@h:1/a%2Fb%2Bc'), ['https://h:1', 'h:1', 'a/b+c', 'ann']);
  assert.deepEqual(read('https://proxy.example/couch/'), [
    'https://proxy.example/couch',
    'proxy.example:443',
    undefined,
    undefined,
  ]);
  assert.deepEqual(read('http://[::1]:5984'), ['http://[::1]:5984', '[::1]:5984', undefined, undefined]);
});

test('a URL is never printed with its password', () => {
  const url = new CouchUrl('couchdb://ann:hunter2@h/shop');
  assert.equal(`${url}${JSON.stringify(url)}`.includes('hunter2'), false);
  assert.equal(url.password?.reveal(), 'hunter2');
  for (const bad of ['ftp://ann:hunter2@h', 'couchdb://ann:hunter2@', 'couchdb://ann:hunter2@h/%zz'])
    assert.throws(
      () => new CouchUrl(bad),
      (error) => hasCode(error, 'CONFIG_INVALID') && !error.message.includes('hunter2'),
    );
});

test('a database is named once', () => {
  assert.equal(configSchema.safeParse({ url: 'couchdb://h/shop', databases: ['shop'] }).success, false);
  assert.equal(configSchema.safeParse({ url: 'http://h', databases: ['shop'] }).success, true);
});

test('names of databases become folders and back', () => {
  for (const name of ['shop', 'a/b+c', '_users', 'a$(b)', 'per%cent', 'x/../y']) {
    const folder = databasePath(name);
    assert.equal(folder.includes('/'), false);
    assert.deepEqual(parsePath(`${folder}/data/4f.jsonl`), {
      kind: 'documents',
      database: name,
      partition: '4f',
    });
  }
  assert.throws(
    () => parsePath('a%2fb/manifest.json'),
    (error) => hasCode(error, 'TARGET_FAILED'),
  );
});

test('documents lie by the hash of their id, design documents by themselves', () => {
  // printf %s order:1 | sha256sum
  assert.equal(partitionOf('order:1', 3), 'c8b');
  assert.equal(partitionOf('order:1', 0), 'all');
  assert.equal(partitionOf('_design/app', 2), 'design');
});

test('attachments lie by digest and length', () => {
  const attachment = {
    name: 'a',
    contentType: 'text/plain',
    digest: 'md5-XUFAKrxLKna5cZ2REBfFkg==',
    length: 5,
    revpos: 1,
    compressed: false,
  };
  assert.equal(attachmentFile(attachment), 'md5-5d41402abc4b2a76b9719d911017c592-5');
  assert.throws(
    () => attachmentFile({ ...attachment, digest: '../../etc' }),
    (error) => hasCode(error, 'ITEM_UNREADABLE'),
  );
});
