import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { parseChecksum } from './checksum.ts';
import { locate } from './dataverse.ts';
import { filesOfRows } from './list-query.ts';

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';

test('a checksum is known however its type is written', () => {
  for (const type of ['MD5', 'md5', 'Md-5']) assert.equal(parseChecksum(type, md5)?.type, 'MD5');
  assert.equal(parseChecksum('SHA1', 'AB'.repeat(20))?.value, 'ab'.repeat(20));
  assert.equal(parseChecksum('sha_256', 'ab'.repeat(32))?.type, 'SHA-256');
  assert.equal(parseChecksum('SHA-512', 'ab'.repeat(64))?.type, 'SHA-512');
  for (const [type, value] of [
    ['MD5', 'ab'.repeat(20)],
    ['MD5', 'zz'.repeat(16)],
    ['CRC32', 'abcdef01'],
  ] as const)
    assert.equal(parseChecksum(type, value), undefined);
});

test('a storage identifier tells driver, bucket and name', () => {
  const file = { authority: '10.5072', dataset: 'FK2/ABC', tabular: false };
  const of = (storageIdentifier: string) => locate({ ...file, storageIdentifier });
  assert.deepEqual(of('file://18a-1'), { place: 'file', path: '10.5072/FK2/ABC/18a-1' });
  assert.deepEqual(of('18a-1'), { place: 'file', path: '10.5072/FK2/ABC/18a-1' });
  assert.deepEqual(of('s3://dv:18a-1'), { place: 's3', bucket: 'dv', path: '10.5072/FK2/ABC/18a-1' });
  assert.deepEqual(of('local-2://18a-1').place, 'local-2');
});

test('a column that says nothing is an error of the query, a row that makes no sense fails alone', () => {
  assert.throws(
    () => filesOfRows([{ path: 'a', md5 }]),
    (error) => hasCode(error, 'CONFIG_INVALID') && /column md5/.test(error.message),
  );
  assert.throws(() => filesOfRows([{ size: 1 }]), /no column path/);
  const [good, sum, size, none] = filesOfRows([
    { path: 'a', size: 1, checksum_type: 'MD5', checksum: md5 },
    { path: 'b', size: 1, checksum_type: 'MD5', checksum: 'x' },
    { path: 'c', size: -1, checksum_type: null, checksum: null },
    { path: null, size: 1, checksum_type: null, checksum: null },
  ]);
  assert.deepEqual([good?.flaw, good?.checksum?.value], [undefined, md5]);
  for (const file of [sum, size, none]) assert.ok(file?.flaw);
});

test('a size that is missing is not nought', () => {
  const [file] = filesOfRows([{ path: 'a', size: null }]);
  assert.equal(file?.sizeBytes, undefined);
});
