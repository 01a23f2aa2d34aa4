import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { documents } from './records.ts';

const ids: readonly unknown[] = [
  'order:17',
  17,
  new BSON.ObjectId('0123456789abcdef01234567'),
  new BSON.UUID('00112233-4455-6677-8899-aabbccddeeff'),
  BSON.Long.fromString('9007199254740993'),
  new Date('2026-01-02T03:04:05Z'),
];
const file = Buffer.concat(ids.map((_id) => BSON.serialize({ _id, n: 1 })));

test('a document is found by its _id as people write it', async () => {
  const keys = [
    'order:17',
    '17',
    '0123456789ABCDEF01234567',
    '00112233-4455-6677-8899-aabbccddeeff',
    '9007199254740993',
    '{"$date":"2026-01-02T03:04:05Z"}',
  ];
  for (const [index, key] of keys.entries()) {
    const found = await Array.fromAsync(documents.read([file], key));
    assert.deepEqual(
      found.map(({ bytes }) => Buffer.from(bytes)),
      [Buffer.from(BSON.serialize({ _id: ids[index], n: 1 }))],
      key,
    );
  }
  assert.deepEqual(await Array.fromAsync(documents.read([file], '18')), []);
});

test('documents lie in the files of collections, and nowhere else', () => {
  const paths = ['shop/orders.bson', 'shop/orders.metadata.json', 'oplog.bson', 'shop', '00-server.json'];
  assert.deepEqual(
    paths.filter((path) => documents.holds(path, 'x')),
    ['shop/orders.bson'],
  );
});
